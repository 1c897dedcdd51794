// Builds a kustomization and decodes each of its objects strictly, as the API server would: into the API's own types,
// where a field that does not exist, or has another type, is an error. Prints them as a JSON list.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// The kinds that there are. Another one is an error too, so that none is left unchecked.
var kinds = map[string]func() any{
	"v1 ConfigMap":                  func() any { return &core.ConfigMap{} },
	"v1 Namespace":                  func() any { return &core.Namespace{} },
	"v1 Secret":                     func() any { return &core.Secret{} },
	"apps/v1 Deployment":            func() any { return &apps.Deployment{} },
	"policy/v1 PodDisruptionBudget": func() any { return &policy.PodDisruptionBudget{} },
}

func objects(folder string) ([]any, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	var all []any
	for _, resource := range built.Resources() {
		kind := resource.GetApiVersion() + " " + resource.GetKind()
		make, known := kinds[kind]
		if !known {
			return nil, fmt.Errorf("expected one of the kinds in main.go, got %s: add it there", kind)
		}
		text, err := resource.AsYAML()
		if err != nil {
			return nil, err
		}
		object := make()
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, resource.GetName(), err)
		}
		all = append(all, object)
	}
	return all, nil
}

func main() {
	all, err := objects(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
