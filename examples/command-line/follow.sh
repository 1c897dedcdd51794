#!/bin/sh
# Starts a job and follows it to its end: ./follow.sh WORKFLOW_ID INPUT.json
#
# Exits with 0 if all customers were updated, 1 if some were not, 2 if nothing could be started, and 3 if the job failed, or
# was cancelled or terminated. Run again with the same id, it follows the running job.
set -u
id=$1
input=$2

# The value of the first field with this name: `--output json` prints one field per line.
field() {
  sed -n 's/^ *"'"$1"'": //p' | sed 's/,$//; s/^"\(.*\)"$/\1/; s/\\"/"/g; q'
}

ask() {
  temporal workflow query --workflow-id "$id" --output json --type "$@"
}

temporal workflow start --type updateCustomers --task-queue customer-updates --workflow-id "$id" --input-file "$input" \
  --id-conflict-policy UseExisting --id-reuse-policy AllowDuplicateFailedOnly > /dev/null || exit 2

said=
while temporal workflow describe --workflow-id "$id" --output json | grep -q '"WORKFLOW_EXECUTION_STATUS_RUNNING"'; do
  # If no worker answers, the job continues once there is one.
  if progress=$(ask progress); then
    line="$(echo "$progress" | field state): $(echo "$progress" | field done) chunks done"
    waiting=$(echo "$progress" | sed -n '/"waitingFor": {/,$p' | field message)
    line="$line${waiting:+, waiting: $waiting}"
    [ "$line" = "$said" ] || echo "$line"
    said=$line
  fi
  sleep 1
done

if ! result=$(temporal workflow result --workflow-id "$id" --output json); then
  echo "$(echo "$result" | field status) $(echo "$result" | field type): $(echo "$result" | field message)"
  exit 3
fi
echo "$result" | sed -n '/^  "result": {/,$p'

after=0
while [ "$after" != null ]; do
  page=$(ask failures --input "{\"after\": $after}") || { echo 'No worker answers; the report lists them.' >&2 && break; }
  echo "$page"
  after=$(echo "$page" | field next)
done

# With `updated` these add up to `total`.
for outcome in rejected failed invalid unprocessed; do
  [ "$(echo "$result" | field $outcome)" = 0 ] || exit 1
done
