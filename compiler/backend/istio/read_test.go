package istio

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/ir"
)

// object is what the tests read back of any kind.
type object struct {
	APIVersion, Kind string
	Metadata         struct{ Namespace, Name string }
	Spec             spec
	Data             map[string]string
}

type spec struct {
	Hosts, Gateways, Addresses []string
	Resolution                 string
	HTTP                       []httpRoute
	TLS, TCP                   []struct {
		Route []struct{ Destination destination }
	}
	Selector   map[string]any
	TargetRefs []map[string]string
	Rules      []authRule
	Servers    []struct {
		Name  string
		Hosts []string
	}
	Egress []struct{ Hosts []string }
}

type httpRoute struct {
	Match []struct {
		URI    map[string]string
		Method map[string]string
		Port   int
	}
	Route []struct {
		Destination destination
		Weight      int
	}
	Timeout string
	Retries *struct {
		Attempts int
		RetryOn  string
	}
}

type destination struct {
	Host string
	Port struct{ Number int }
}

type authRule struct {
	From []struct {
		Source struct{ Principals, NotPrincipals, IPBlocks []string }
	}
	To []struct {
		Operation struct{ Ports, Methods, Paths, Hosts []string }
	}
	When []struct {
		Key    string
		Values []string
	}
}

// objects reads every object of the overlay back.
func readObjects(t *testing.T, p *ir.Plan) []object {
	t.Helper()
	var out []object
	for _, f := range emitted(t, p).Files() {
		if !strings.HasPrefix(f.Path(), "kubernetes/") {
			continue
		}
		for _, doc := range bytes.Split(f.Bytes(), []byte("\n---\n")) {
			var o object
			if err := yaml.Unmarshal(doc, &o); err != nil {
				t.Fatalf("%s: %v\n%s", f.Path(), err, doc)
			}
			out = append(out, o)
		}
	}
	return out
}

func find(t *testing.T, all []object, apiVersion, kind, namespace, name string) *object {
	t.Helper()
	i := slices.IndexFunc(all, func(o object) bool {
		return o.APIVersion == apiVersion && o.Kind == kind && o.Metadata.Namespace == namespace && o.Metadata.Name == name
	})
	if i < 0 {
		return nil
	}
	return &all[i]
}

// values reads a release's values back.
func readValues(t *testing.T, p *ir.Plan, release string) map[string]any {
	t.Helper()
	f := emitted(t, p).Lookup("charts/" + p.Name + "/" + release + "/values.yaml")
	if f == nil {
		t.Fatalf("no values of %s", release)
	}
	out := map[string]any{}
	if err := yaml.Unmarshal(f.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// at follows keys through mappings; nil where one is missing.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}
