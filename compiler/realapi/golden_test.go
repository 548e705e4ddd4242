//go:build linux

package realapi

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// TestGoldenTrees applies each golden tree to an empty cluster of its own as its comments say: phase by phase, from
// the server's side, strictly. The server, the rules inside the CustomResourceDefinitions and the admission of
// namespaces must take every object, and have nothing to remark.
func TestGoldenTrees(t *testing.T) {
	for _, site := range sites(t) {
		t.Run(site, func(t *testing.T) {
			t.Parallel()
			p := compiled(t, site).Plan
			c := newCluster(t)
			c.found(p)
			up := upstream(t)
			order := phases(t, site)
			built := map[string][]object{}
			all := others(t, site)
			for _, phase := range order {
				built[phase] = build(t, phase)
				all = append(all, built[phase]...)
			}
			c.install(used(up.definitions(t), all))
			var taken, left []object
			give := func(objects []object) {
				for _, o := range objects {
					if why, ok := up.absent[o.group()]; ok {
						t.Logf("left out: %s: %s", o, why)
						left = append(left, o)
						continue
					}
					a := c.apply(o, options{force: forced(o)})
					if _, held := up.held[site+" gateway-api"]; held && a.ok() && deprecated(o, a) {
						t.Logf("%s: %s: a later bundle than the site's: %s", o.from, o, a.complaint())
						taken = append(taken, o)
						continue
					}
					if a.complaint() != "" {
						t.Errorf("%s: %s: %s", o.from, o, a.complaint())
						continue
					}
					taken = append(taken, o)
				}
			}
			for _, phase := range order {
				c.claims(filepath.Base(phase), built[phase], p)
				give(built[phase])
			}
			give(others(t, site))
			t.Logf("%d objects taken without a remark: %s", len(taken), count(taken))
			t.Logf("%d objects left out: %s", len(left), count(left))
		})
	}
}

// laterBundle is what the server remarks of v1alpha2 of routes, as kubectl shows it too: the only version of earlier bundles, or
// the only one that a mesh reads, and deprecated in 1.6.
var laterBundle = regexp.MustCompile(`(Warning: )?The v1alpha2 version of (TCP|TLS|UDP)Route has been deprecated.*`)

// deprecated reports whether that is all that the server remarks of an object.
func deprecated(o object, a answer) bool {
	return o.group() == "gateway.networking.k8s.io" && len(a.warnings) == 1 && laterBundle.MatchString(a.warnings[0])
}

// forced reports whether the tree says that an object takes fields over from others: the configuration that kubeadm
// wrote.
func forced(o object) bool { return o.Kind == "ConfigMap" && o.Metadata.Namespace == "kube-system" }

// claims tests what comments in the first phase say of conflicts.
func (c *client) claims(phase string, objects []object, p *ir.Plan) {
	c.t.Helper()
	if !strings.HasSuffix(phase, "nodes") {
		return
	}
	for _, o := range objects {
		switch {
		case forced(o):
			a := c.apply(o, options{dryRun: true})
			if got := conflicts(c.t, a); !slices.Equal(got, []string{".data.config.conf"}) {
				c.t.Errorf("%s: conflicts over %q before it is forced: %s", o, got, a.complaint())
			}
		case o.Kind == "Node":
			c.cordoned(o, p)
		}
	}
}

// cordoned applies a node that kubectl has cordoned: the apply must end in a conflict, and not drop the taint. Nodes
// without taints of meshgen are none the worse for it.
func (c *client) cordoned(o object, p *ir.Plan) {
	c.t.Helper()
	i := slices.IndexFunc(p.Nodes, func(n ir.Node) bool { return n.Name == o.Metadata.Name })
	if i < 0 {
		c.t.Errorf("%s is not of the site", o)
		return
	}
	n := p.Nodes[i]
	if len(n.Taints) == 0 {
		return
	}
	taints := []map[string]string{{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}}
	own := []map[string]string{}
	for _, t := range n.Taints {
		own = append(own, map[string]string{"key": t.Key, "value": t.Value, "effect": t.Effect})
	}
	c.patchNode("kube-controller-manager", n.Name, map[string]any{"spec": map[string]any{"taints": append(taints, own...)}})
	a := c.apply(o, options{dryRun: true})
	if got := conflicts(c.t, a); !slices.Equal(got, []string{".spec.taints"}) {
		c.t.Errorf("%s: while it is cordoned, conflicts over %q: %s", o, got, a.complaint())
	}
	c.patchNode("kube-controller-manager", n.Name, map[string]any{"spec": map[string]any{"taints": own}})
}

// conflicts are the fields that belong to others.
func conflicts(t *testing.T, a answer) []string {
	t.Helper()
	var s struct {
		Details struct {
			Causes []struct{ Reason, Field string }
		}
	}
	if err := json.Unmarshal(a.body, &s); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, cause := range s.Details.Causes {
		if cause.Reason == "FieldManagerConflict" {
			out = append(out, cause.Field)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
