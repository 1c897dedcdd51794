"""Starts a job that updates customers, follows it to its end, and lists who was not updated.

Exits with 0 if all customers were updated, 1 if some were not, 2 for wrong usage or if no Temporal server answers, and
3 if the job failed, was cancelled or terminated. Ctrl-C leaves the job running; the same command follows it again.
"""

import argparse
import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any, TypedDict

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

# The part of the contract that is used here; ../../schemas has all of it. The names are those in the JSON.
Inline = TypedDict("Inline", {"customers": list[dict[str, Any]]})
File = TypedDict("File", {"uri": str})
Options = TypedDict(
    "Options", {"match": str, "dryRun": bool, "limit": int, "backup": bool, "skipUnchanged": bool}, total=False
)
Waiting = TypedDict("Waiting", {"kind": str, "message": str, "until": str | None})
Counts = TypedDict(
    "Counts", {"total": int, "updated": int, "rejected": int, "failed": int, "invalid": int, "unprocessed": int}
)


class JobInput(TypedDict, total=False):
    storeHash: str
    source: Inline | File
    options: Options


class Progress(TypedDict):
    state: str
    customers: Counts
    waitingFor: Waiting | None


async def start(client: Client, workflow_id: str, job: JobInput) -> WorkflowHandle[Any, Any]:
    """Starts a job, or attaches to the one with this id if it is running or has ended with a result."""
    try:
        return await client.start_workflow(
            "updateCustomers",
            job,
            id=workflow_id,
            task_queue="customer-updates",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle(workflow_id)


async def follow(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """Prints the progress of the job whenever it changes; returns its result."""
    ending: asyncio.Future[dict[str, Any]] = asyncio.ensure_future(handle.result())
    said = ""
    while not (await asyncio.wait([ending], timeout=0.5))[0]:
        try:
            progress: Progress = await handle.query("progress", rpc_timeout=timedelta(seconds=10))
        except RPCError as error:  # No worker to answer; the job continues once there is one.
            line = f"no answer: {error.message}"
        else:
            waiting = progress["waitingFor"]
            counts = progress["customers"]
            line = f"{progress['state']}: {counts['updated']} of {counts['total']} updated"
            line += f", waiting for {waiting['kind']}: {waiting['message']}" if waiting else ""
        if line != said:
            print(said := line, flush=True)
    return await ending


async def print_failures(handle: WorkflowHandle[Any, Any]) -> None:
    """Prints the rows that were rejected, failed or invalid, page by page. All but the latest 1,000 are in files."""
    after = 0
    while after is not None:
        try:
            page = await handle.query("failures", {"after": after})
        except RPCError as error:
            print(f"no worker answers: {error.message}. The report lists them.", file=sys.stderr)
            return
        for row in page["failures"]:
            print(f"row {row['row']}, id {row['id']}: {row['outcome']} ({row['code']}), {row['message']}")
        after = page["next"]
    if page["olderIn"]:
        print(f"older ones: {page['olderIn']}")


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", help="the store's hash, such as abc123")
    parser.add_argument("name", help="the job's name: the same name again is the same job")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--uri", help="a file below the workers' SOURCE_ROOTS, such as s3://bucket/customers.csv")
    source.add_argument("--customers", type=argparse.FileType(), help="a JSON list of at most 1,000 customers; - for stdin")
    source.add_argument("--input", type=argparse.FileType(), help="a job's whole input as JSON, passed on as it is")
    parser.add_argument("--match", default="id", choices=["id", "email"], help="how --uri or --customers name customers")
    args = parser.parse_args()
    try:
        if args.input:
            job: JobInput = json.load(args.input)
        elif args.customers:
            job = {"storeHash": args.store, "source": {"customers": json.load(args.customers)}}
        else:
            job = {"storeHash": args.store, "source": {"uri": args.uri}}
        if args.match == "email":
            job["options"] = {"match": "email"}
        server = ClientConfig.load_client_connect_config()
        server.setdefault("target_host", "localhost:7233")
        client = await Client.connect(**server)
        handle = await start(client, f"customer-updates/{args.store}/{args.name}", job)
        result = await follow(handle)
    except WorkflowFailureError as error:
        cause = error.cause
        print(f"{cause.type}: {cause.message}" if isinstance(cause, ApplicationError) else f"the job ended: {cause}")
        return 3
    except (json.JSONDecodeError, RPCError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    print(", ".join(f"{outcome} {count}" for outcome, count in result["customers"].items()))
    print(f"report: {result['report']}")
    if result["changes"] is not None:
        print(f"changes: {result['changes']}")
    await print_failures(handle)
    counts: Counts = result["customers"]
    # A dry run leaves what it would have sent unprocessed.
    done = counts["updated"] + (counts["unprocessed"] if "wouldSend" in result else 0)
    return 0 if done == counts["total"] else 1


if __name__ == "__main__":
    code = asyncio.run(main())
    sys.stdout.flush()
    # Threads of the SDK can crash the interpreter while it shuts down: temporalio/sdk-python#300.
    os._exit(code)
