package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type openAPI struct {
	Paths      map[string]json.RawMessage
	Components struct{ Schemas map[string]any }
}

// readOpenAPI derives coreKinds from the OpenAPI v3 documents of a Kubernetes source tree.
func readOpenAPI(source string, s *set) error {
	for file, kinds := range coreKinds {
		data, err := os.ReadFile(filepath.Join(source, "api/openapi-spec/v3", file+"_openapi.json"))
		if err != nil {
			return err
		}
		var doc openAPI
		if err := json.Unmarshal(data, &doc); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, kind := range kinds {
			if err := doc.derive(kind, s); err != nil {
				return fmt.Errorf("%s: %s: %w", file, kind, err)
			}
		}
	}
	return nil
}

func (d openAPI) derive(kind string, s *set) error {
	for name, def := range d.Components.Schemas {
		def := def.(map[string]any)
		gvks, _ := def["x-kubernetes-group-version-kind"].([]any)
		if len(gvks) != 1 || !strings.HasSuffix(name, "."+kind) {
			continue
		}
		gvk := gvks[0].(map[string]any)
		group, version := gvk["group"].(string), gvk["version"].(string)
		out, err := derive(def, d.Components.Schemas, false)
		if err != nil {
			return err
		}
		apiVersion := strings.TrimPrefix(group+"/"+version, "/")
		s.add(group, version, kind, d.namespaced(kind), object(out, apiVersion, kind))
		return nil
	}
	return fmt.Errorf("not in the document")
}

// namespaced reports whether a path of the kind holds a namespace: the document has no better mark.
func (d openAPI) namespaced(kind string) bool {
	resource := strings.ToLower(kind) + "s"
	if strings.HasSuffix(kind, "y") {
		resource = strings.ToLower(kind[:len(kind)-1]) + "ies"
	}
	for path := range d.Paths {
		if slices.Contains(strings.Split(path, "/"), "{namespace}") && strings.HasSuffix(path, "/"+resource) {
			return true
		}
	}
	return false
}
