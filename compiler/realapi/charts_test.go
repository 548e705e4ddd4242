//go:build linux

package realapi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// defining are the charts that bring CustomResourceDefinitions, by the components of testdata/upstream.txt. Those of Services
// across clusters come with the operator of Cilium.
var defining = map[string][]string{
	"base":              {"istio"},
	"metallb":           {"metallb"},
	"openelb":           {"openelb"},
	"cilium":            {"cilium", "mcs-api"},
	"linkerd-crds":      {"linkerd"},
	"consul":            {"consul"},
	"gateway-crds-helm": {"envoy-gateway"},
}

// platform are the components whose kinds the cluster has although the tree installs none of them.
func platform(p *ir.Plan) []string {
	ours := slices.ContainsFunc(p.Releases, func(r ir.Release) bool { return r.Chart == "cilium" })
	if p.LoadBalancer.Kind == "cilium" && !ours {
		return []string{"cilium"}
	}
	if p.Calico != nil {
		return []string{"calico"}
	}
	if p.CalicoEgress != nil {
		return []string{"calico-enterprise"}
	}
	return nil
}

// charts is what the chart of each release brings, as far as others depend on it: definitions, and the objects that
// install.sh waits for behind it.
func charts(t *testing.T, c *client, p *ir.Plan) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, phase := range p.Delivery.Phases {
		for _, step := range phase.Charts {
			var text []byte
			if components, ok := defining[step.Release.Chart]; ok {
				text = brought(upstream(t).definitions(t, components...))
			}
			switch step.Release.Chart {
			case "base": // its webhook refuses every object of Istio until istiod answers
				text = fmt.Appendf(text, "---\n%s\n", asJSON(t, validator(map[string]any{
					"service": map[string]any{"name": istiod(p.Mesh.Revision), "namespace": p.Mesh.Namespace, "path": "/validate"},
				})))
			case "istiod": // takes the webhook over
				text = asJSON(t, deployment(p.Mesh.Namespace, istiod(step.Release.Revision)))
			default:
				for _, w := range step.Waits {
					if o := awaited(t, c, w); o != nil {
						text = fmt.Appendf(text, "---\n%s\n", asJSON(t, o))
					}
				}
			}
			if text != nil {
				out[step.Release.Name] = text
			}
		}
	}
	return out
}

// awaited is the object that a wait behind a chart looks for; nil where the chart brings a definition of that name.
func awaited(t *testing.T, c *client, w ir.Wait) map[string]any {
	t.Helper()
	kind, name, _ := strings.Cut(w.Object, "/")
	switch kind, _, _ := strings.Cut(kind, "."); kind {
	case "customresourcedefinition":
		return nil
	case "deployment":
		return deployment(w.Namespace, name)
	case "daemonset":
		return daemonSet(w.Namespace, name)
	case "configmap": // with the key that the wait looks for
		key := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(w.For, "jsonpath={.data."), "}"), `\`, "")
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": w.Namespace, "name": name},
			"data": map[string]string{key: "not a real value"}}
	case "validatingwebhookconfiguration", "mutatingwebhookconfiguration":
		// The CA is filled in already; without rules nothing is sent to it.
		hook := validator(map[string]any{"service": map[string]any{"name": "webhook", "namespace": "kube-system"}, "caBundle": encoded(t, c.id.certFile)})
		hook["kind"] = map[string]string{"validatingwebhookconfiguration": "ValidatingWebhookConfiguration", "mutatingwebhookconfiguration": "MutatingWebhookConfiguration"}[kind]
		hook["metadata"] = map[string]any{"name": name}
		for _, w := range hook["webhooks"].([]any) {
			delete(w.(map[string]any), "rules")
		}
		return hook
	}
	t.Fatalf("install.sh waits for %s behind a chart, and this test does not know what brings it", w.Object)
	return nil
}

// brought writes objects into one file.
func brought(objects []object) []byte {
	var b bytes.Buffer
	for _, o := range objects {
		fmt.Fprintf(&b, "---\n%s\n", o.text)
	}
	return b.Bytes()
}
