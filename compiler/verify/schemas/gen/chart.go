package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A chart is one whose values are checked. Dir is inside the module, or, where no module has the chart, beside the CRD
// files.
type chart struct {
	Name, Release           string
	Module, Version, Dir    string
	Origin                  string
	Licence                 string   // "": Apache-2.0
	Subchart, SubchartValue string   // chart below charts/, packed or not, and the key that holds its values
	Also                    []string // keys that templates read by way of a variable, and that values.yaml has in comments alone
}

const (
	istioModule   = "istio.io/istio"
	linkerdOrigin = "github.com/linkerd/linkerd2 edge-26.6.3, charts/" // archived there as the folder linkerd-26.6.3
	linkerdBefore = "github.com/linkerd/linkerd2 edge-25.10.7, charts/"

	istioVersion = "v0.0.0-20260827124520-eed52ebb66ad" // the commit tagged 1.31.0; module versions carry no release tags
)

// meshConfigOf is the version of istio.io/api that has the keys of a chart's meshConfig. No tag of 1.30 can be had as a
// module: this is what the go.mod of 1.30.3 asks for.
var meshConfigOf = map[string]string{"1.30.3": "v1.30.3-0.20260710004328-2e43f07b30b6", "1.31.0": "v1.31.1"}

var charts = []chart{
	{Name: "base", Release: "1.30.3", Dir: "istio-1.30.3-charts/base", Origin: "github.com/istio/istio 1.30.3, manifests/charts/base"},
	{Name: "istiod", Release: "1.30.3", Dir: "istio-1.30.3-charts/istio-control/istio-discovery", Origin: "github.com/istio/istio 1.30.3, manifests/charts/istio-control/istio-discovery; meshConfig: istio.io/api " + meshConfigOf["1.30.3"] + ", mesh/v1alpha1"},
	{Name: "cni", Release: "1.30.3", Dir: "istio-1.30.3-charts/istio-cni", Origin: "github.com/istio/istio 1.30.3, manifests/charts/istio-cni"},
	{Name: "gateway", Release: "1.30.3", Dir: "istio-1.30.3-charts/gateway", Origin: "github.com/istio/istio 1.30.3, manifests/charts/gateway"},
	{Name: "ztunnel", Release: "1.30.3", Dir: "istio-1.30.3-charts/ztunnel", Origin: "github.com/istio/istio 1.30.3, manifests/charts/ztunnel"},
	{Name: "base", Release: "1.31.0", Module: istioModule, Version: istioVersion, Dir: "manifests/charts/base", Origin: "istio.io/istio 1.31.0, manifests/charts/base"},
	{Name: "istiod", Release: "1.31.0", Module: istioModule, Version: istioVersion, Dir: "manifests/charts/istio-control/istio-discovery", Origin: "istio.io/istio 1.31.0, manifests/charts/istio-control/istio-discovery; meshConfig: istio.io/api " + meshConfigOf["1.31.0"] + ", mesh/v1alpha1"},
	{Name: "cni", Release: "1.31.0", Module: istioModule, Version: istioVersion, Dir: "manifests/charts/istio-cni", Origin: "istio.io/istio 1.31.0, manifests/charts/istio-cni"},
	{Name: "gateway", Release: "1.31.0", Module: istioModule, Version: istioVersion, Dir: "manifests/charts/gateway", Origin: "istio.io/istio 1.31.0, manifests/charts/gateway"},
	{Name: "ztunnel", Release: "1.31.0", Module: istioModule, Version: istioVersion, Dir: "manifests/charts/ztunnel", Origin: "istio.io/istio 1.31.0, manifests/charts/ztunnel"},
	{Name: "metallb", Release: "0.16.2", Module: "go.universe.tf/metallb", Version: "v0.16.2", Dir: "charts/metallb", Origin: "go.universe.tf/metallb v0.16.2, charts/metallb with its subchart frr-k8s 0.0.27", Subchart: "charts/frr-k8s-0.0.27.tgz", SubchartValue: "frr-k8s"},
	{Name: "gateway-helm", Release: "1.8.3", Module: "github.com/envoyproxy/gateway", Version: "v1.8.3", Dir: "charts/gateway-helm", Origin: "github.com/envoyproxy/gateway v1.8.3, charts/gateway-helm", Subchart: "charts/crds", SubchartValue: "crds"},
	{Name: "gateway-crds-helm", Release: "1.8.3", Module: "github.com/envoyproxy/gateway", Version: "v1.8.3", Dir: "charts/gateway-crds-helm", Origin: "github.com/envoyproxy/gateway v1.8.3, charts/gateway-crds-helm"},
	{Name: "gateway-helm", Release: "1.9.1", Module: "github.com/envoyproxy/gateway", Version: "v1.9.1", Dir: "charts/gateway-helm", Origin: "github.com/envoyproxy/gateway v1.9.1, charts/gateway-helm", Subchart: "charts/crds", SubchartValue: "crds"},
	{Name: "gateway-crds-helm", Release: "1.9.1", Module: "github.com/envoyproxy/gateway", Version: "v1.9.1", Dir: "charts/gateway-crds-helm", Origin: "github.com/envoyproxy/gateway v1.9.1, charts/gateway-crds-helm"},
	{Name: "cilium", Release: "1.20.2", Module: "github.com/cilium/cilium", Version: "v1.20.2", Dir: "install/kubernetes/cilium", Origin: "github.com/cilium/cilium v1.20.2, install/kubernetes/cilium",
		Also: []string{"socketLB.hostNamespaceOnly"}},
	{Name: "linkerd-crds", Release: "2025.10.7", Dir: "linkerd-25.10.7/charts/linkerd-crds", Origin: linkerdBefore + "linkerd-crds"},
	{Name: "linkerd2-cni", Release: "2025.10.7", Dir: "linkerd-25.10.7/charts/linkerd2-cni", Origin: linkerdBefore + "linkerd2-cni"},
	{Name: "linkerd-control-plane", Release: "2025.10.7", Dir: "linkerd-25.10.7/charts/linkerd-control-plane", Origin: linkerdBefore + "linkerd-control-plane",
		Also: []string{"proxy.capabilities"}}, // in charts/partials
	{Name: "linkerd-crds", Release: "2026.6.3", Dir: "linkerd-26.6.3/charts/linkerd-crds", Origin: linkerdOrigin + "linkerd-crds"},
	{Name: "linkerd2-cni", Release: "2026.6.3", Dir: "linkerd-26.6.3/charts/linkerd2-cni", Origin: linkerdOrigin + "linkerd2-cni"},
	{Name: "linkerd-control-plane", Release: "2026.6.3", Dir: "linkerd-26.6.3/charts/linkerd-control-plane", Origin: linkerdOrigin + "linkerd-control-plane",
		Also: []string{"proxy.capabilities"}}, // in charts/partials
	{Name: "linkerd-multicluster", Release: "2026.6.3", Dir: "linkerd-26.6.3/multicluster/charts/linkerd-multicluster", Origin: "github.com/linkerd/linkerd2 edge-26.6.3, multicluster/charts/linkerd-multicluster"},
	{Name: "consul", Release: "2.0.3", Dir: "consul-k8s-2.0.3/charts/consul", Origin: "github.com/hashicorp/consul-k8s v2.0.3, charts/consul", Licence: mpl},
	{Name: "cert-manager-istio-csr", Release: "0.17.0", Dir: "istio-csr-0.17.0-chart", Origin: "github.com/cert-manager/istio-csr v0.17.0, deploy/charts/istio-csr"},
	{Name: "openelb", Release: "0.6.0", Dir: "openelb-0.6.0-chart", Origin: "github.com/openelb/openelb v0.6.0, charts"},
}

// copied are keys whose map goes into an object as it stands, so that the chart's defaults do not list what is allowed.
var copied = []string{
	"annotations", "injectedAnnotations", "labels", "networkGatewayPorts", "podAnnotations", "rollingUpdate",
	"securityContext", "serviceAnnotations", "strategy", "tlsConfig", "updateStrategy",
}

// requirements is what a key named resources holds: it is copied too, but worth checking.
var requirements = closed(map[string]any{
	"limits":   map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []any{"string", "number"}, "format": "quantity"}},
	"requests": map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []any{"string", "number"}, "format": "quantity"}},
	"claims":   map[string]any{"type": "array"},
})

// readChart derives what a chart of a module, or of the directory beside the CRD files, knows: "keys" from its default values and its templates, and "schema" from its own
// values.schema.json where it has one.
func readChart(c chart, beside string) (*set, error) {
	s := &set{Component: "chart-" + c.Name, Release: c.Release, Origin: c.Origin, Licence: cmp.Or(c.Licence, apache)}
	dir, err := beside, error(nil)
	if c.Module != "" {
		dir, err = module(c.Module, c.Version)
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path.Join(dir, c.Dir)); err != nil {
		return s, err
	}
	root := os.DirFS(path.Join(dir, c.Dir))
	keys, schema, err := chartOf(root)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.Name, err)
	}
	properties := keys["properties"].(map[string]any)
	if c.Subchart != "" {
		sub, err := unpack(root, c.Subchart)
		if err != nil {
			return nil, err
		}
		subKeys, subSchema, err := chartOf(sub)
		if err != nil {
			return nil, fmt.Errorf("chart %s: %w", c.Subchart, err)
		}
		properties[c.SubchartValue] = subKeys
		if schema != nil && subSchema != nil {
			schema["properties"].(map[string]any)[c.SubchartValue] = subSchema
		}
	}
	for _, key := range c.Also {
		learn(keys, strings.Split(key, "."))
	}
	if c.Name == "istiod" {
		if properties["meshConfig"], err = meshConfig(meshConfigOf[c.Release]); err != nil {
			return nil, err
		}
	}
	s.put("keys", entry{Schema: keys})
	if schema != nil {
		s.put("schema", entry{Schema: schema})
	}
	return s, nil
}

// references finds what templates read: .Values.a.b, and ($.Values).profile, as Istio's charts write it.
var references = regexp.MustCompile(`(?:\.Values|\(\$\.Values(?:\.global)?\))((?:\.[A-Za-z_][A-Za-z0-9_]*)+)`)

func chartOf(root fs.FS) (keys, schema map[string]any, err error) {
	values, err := fs.ReadFile(root, "values.yaml")
	if errors.Is(err, fs.ErrNotExist) { // Envoy Gateway's is made at a release, out of this
		values, err = fs.ReadFile(root, "values.tmpl.yaml")
	}
	if err != nil {
		return nil, nil, err
	}
	var defaults map[string]any
	if err := yaml.Unmarshal(values, &defaults); err != nil {
		return nil, nil, err
	}
	// Istio's charts keep their defaults below a key that nobody sets, so that a profile can come between.
	if inner, ok := defaults["_internal_defaults_do_not_set"].(map[string]any); ok {
		defaults = inner
	}
	keys = known("", defaults).(map[string]any)
	err = fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(name, "charts/") || name == "values.yaml" {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, m := range references.FindAllStringSubmatch(string(text), -1) {
			learn(keys, strings.Split(m[1][1:], "."))
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"_internal_defaults_do_not_set", "_original", "defaults"} {
		delete(keys["properties"].(map[string]any), name)
	}
	if text, err := fs.ReadFile(root, "values.schema.json"); err == nil {
		if schema, err = valuesSchema(text); err != nil {
			return nil, nil, err
		}
	}
	return keys, schema, nil
}

// known turns a default value into a schema of what may stand in its place.
func known(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		switch {
		case v["cpu"] == nil && (key == "resources" || key == "defaultResources"): // Linkerd's are by resource, and no copies
			return requirements
		case len(v) == 0 || slices.Contains(copied, key):
			return map[string]any{"type": []any{"object", "null"}}
		}
		properties := map[string]any{}
		for name, sub := range v {
			properties[name] = known(name, sub)
		}
		return map[string]any{"type": []any{"object", "null"}, "properties": properties, "additionalProperties": false}
	case []any:
		return map[string]any{"type": []any{"array", "null"}}
	case bool:
		return map[string]any{"type": []any{"boolean", "null"}}
	case nil:
		return map[string]any{}
	}
	return map[string]any{"type": []any{"string", "number", "boolean", "null"}}
}

// learn adds a key that a template reads and the default values do not name.
func learn(schema map[string]any, key []string) {
	properties, ok := schema["properties"].(map[string]any)
	if !ok || schema["additionalProperties"] != false {
		return // open anyway
	}
	sub, ok := properties[key[0]].(map[string]any)
	switch {
	case !ok && len(key) == 1:
		properties[key[0]] = map[string]any{}
		return
	case !ok:
		sub = map[string]any{"type": []any{"object", "null"}, "properties": map[string]any{}, "additionalProperties": false}
		properties[key[0]] = sub
	case len(sub) == 0 && len(key) > 1: // read as a whole before
		return
	}
	if len(key) > 1 {
		learn(sub, key[1:])
	}
}

// meshConfig derives the keys of istiod's meshConfig, which the chart copies into the control plane's configuration.
func meshConfig(version string) (map[string]any, error) {
	dir, err := module("istio.io/api", version)
	if err != nil {
		return nil, err
	}
	types := &structs{packages: map[string]*goPackage{}, doing: map[string]bool{}, module: func(p string) (string, error) {
		rest, ok := strings.CutPrefix(p, "istio.io/api/")
		if !ok {
			return "", fmt.Errorf("package %s is not of istio.io/api", p)
		}
		return path.Join(dir, rest), nil
	}}
	schema, err := types.named("istio.io/api/mesh/v1alpha1", "MeshConfig")
	if err != nil {
		return nil, err
	}
	return maps.Clone(schema), nil
}
