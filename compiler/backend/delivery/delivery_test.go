package delivery

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// lab is a site with a chart from a registry, one from a repository that needs it, and a phase of which nobody wrote
// anything.
func lab(kind string) *ir.Plan {
	balancer := ir.Release{Name: "balancer", Component: "lb", Chart: "lb", Repository: "oci://registry.example.net/charts", Version: "1.2.3", Namespace: "lb-system",
		From: ir.From{"loadBalancer.version"}}
	gateway := ir.Release{Name: "gateway-a", Component: "mesh", Chart: "gateway", Repository: "https://charts.example.net/mesh", Version: "2.0.0", Namespace: "gateway-a",
		From: ir.From{"gateways.a"}}
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"},
		Nodes: []ir.Node{{Name: "n1", From: ir.From{"racks.a.nodes.n1"}}, {Name: "n2", From: ir.From{"racks.a.nodes.n2"}}},
		Secrets: []ir.Secret{
			{Namespace: "gateway-a", Name: "signed", Keys: []string{"tls.crt", "tls.key"}, Creator: ir.CertManager},
			{Namespace: "lb-system", Name: "password", Keys: []string{"password"}, Creator: ir.ByHand, From: ir.From{"fabric.bgp.passwordSecret"}},
		},
		Delivery: ir.Delivery{
			Kind: kind, Repository: "https://git.example.net/lab.git", Revision: "v7", Path: "tree",
			From: ir.From{"delivery.kind", "delivery.repository", "delivery.revision", "delivery.path"},
			Phases: []ir.DeliveryPhase{
				{Name: "crds", Number: -1, Doc: "kinds"},
				{Name: "nodes", Number: 0, Doc: "nodes", ByHand: true},
				{Name: "secrets", Number: 7, Doc: "secrets"},
				{Name: "load-balancer", Number: 10, Doc: "addresses", Prune: true, Charts: []ir.ChartStep{{Release: balancer}}},
				{Name: "gateways", Number: 30, Doc: "ways in", Prune: true, Charts: []ir.ChartStep{{Release: gateway, Needs: []ir.Release{balancer}, Prune: true}},
					Waits: []ir.Wait{{Object: "thing.example.net/a", For: "condition=Ready"}}},
			},
		},
	}
}

// emitted is what the backend makes of a plan in a tree with some files of other backends.
func emitted(t *testing.T, p *ir.Plan, files ...string) *artifact.Tree {
	t.Helper()
	tree := artifact.NewTree()
	for _, name := range files {
		tree.File("kubernetes/overlays/lab/"+name, "pools.public").Line("kind: Thing")
	}
	Backend.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	return tree
}

// steps are the lines of the script's phases.
func steps(t *testing.T, tree *artifact.Tree) []string {
	t.Helper()
	_, text, ok := strings.Cut(string(tree.Lookup("charts/lab/install.sh").Bytes()), "\nif begin ")
	if !ok {
		t.Fatal("no phase")
	}
	var out []string
	for line := range strings.Lines(text) {
		if step, ok := strings.CutPrefix(line, "\t"); ok && step != ":\n" {
			out = append(out, strings.TrimSpace(step))
		}
	}
	return out
}

func TestSteps(t *testing.T) {
	tree := emitted(t, lab(ir.Kustomize), "00-nodes/node.yaml", "10-load-balancer/pool.yaml", "30-gateways/certificate.yaml")
	want := []string{
		"crd certificates.cert-manager.io 'cert-manager'",
		"complete 'Install what brings them first.'",
		`joined=" $(ask get nodes --output name | tr '\n' ' ')"`,
		"node n1", "node n2",
		"complete 'Join them first, or take them out of the site.'",
		"label_nodes",
		"secret lb-system password password",
		"complete 'docs/lab/SECRETS.md says what each is for. Then run again with --from secrets.'",
		"chart balancer lb-system 1.2.3 oci://registry.example.net/charts/lb",
		"apply 10-load-balancer",
		"chart gateway-a gateway-a 2.0.0 gateway --repo https://charts.example.net/mesh",
		"apply 30-gateways",
		"wait_for '' thing.example.net/a 'condition=Ready'",
	}
	if got := steps(t, tree); !slices.Equal(got, want) {
		t.Errorf("the steps are\n%s", strings.Join(got, "\n"))
	}
	if f := tree.Lookup("charts/lab/install.sh"); f.Mode().Perm()&0o111 == 0 {
		t.Error("install.sh is not executable")
	}
}

// TestFolders: what nobody wrote is not applied, and kube-proxy is left alone where its configuration is.
func TestFolders(t *testing.T) {
	for _, c := range []struct {
		files      []string
		step       string
		have       bool
		inFolder   string
		applicable bool
	}{
		{[]string{"00-nodes/node.yaml"}, "kube_proxy", false, "lab-10-load-balancer", false},
		{[]string{"00-nodes/node.yaml", "00-nodes/configmap.yaml"}, "kube_proxy", true, "lab-00-nodes", true},
		{[]string{"07-secrets/externalsecret.yaml"}, "apply 07-secrets", true, "lab-07-secrets", true},
		{[]string{"30-gateways/gateway.yaml"}, "apply 07-secrets", false, "lab-07-secrets", false},
	} {
		tree := emitted(t, lab(ir.ArgoCD), c.files...)
		if got := slices.Contains(steps(t, tree), c.step); got != c.have {
			t.Errorf("%v: step %q: %v", c.files, c.step, got)
		}
		text := string(tree.Lookup("gitops/lab/applications/application.yaml").Bytes())
		if got := strings.Contains(text, "name: "+c.inFolder+"\n"); got != c.applicable {
			t.Errorf("%v: Application %s: %v", c.files, c.inFolder, got)
		}
	}
}

// TestByHand: a site that nobody reads from a repository has no Applications.
func TestByHand(t *testing.T) {
	for _, f := range emitted(t, lab(ir.Kustomize), "00-nodes/node.yaml").Files() {
		if strings.HasPrefix(f.Path(), "gitops/") {
			t.Errorf("%s for a site that is delivered by hand", f.Path())
		}
	}
}

// TestSources: charts of a registry are addressed as each reader wants them.
func TestSources(t *testing.T) {
	tree := emitted(t, lab(ir.ArgoCD), "10-load-balancer/pool.yaml")
	for file, lines := range map[string][]string{
		"charts/lab/helmfile.yaml": {
			"    url: registry.example.net/charts\n    oci: true\n", "    chart: lb/lb\n", "    needs:\n      - lb-system/balancer\n",
		},
		"gitops/lab/applications/application.yaml": {
			"    - repoURL: registry.example.net/charts\n      chart: lb\n", "          - $values/tree/charts/lab/balancer/values.yaml\n",
			"      targetRevision: v7\n      ref: values\n", "    path: tree/kubernetes/overlays/lab/10-load-balancer\n",
		},
		"gitops/lab/root.yaml": {"    path: tree/gitops/lab/applications\n"},
	} {
		for _, want := range lines {
			if text := string(tree.Lookup(file).Bytes()); !strings.Contains(text, want) {
				t.Errorf("%s lacks\n%s", file, want)
			}
		}
	}
}

// TestFlux: two charts that need not wait for each other share what they depend on, the next step depends on both, and
// fields that a controller writes are no drift.
func TestFlux(t *testing.T) {
	p := lab(ir.Flux)
	p.Delivery.Reference, p.Delivery.Secret = "refs/tags/v7", "key"
	gateways := &p.Delivery.Phases[4]
	second := gateways.Charts[0]
	second.Release.Name = "gateway-b"
	second.Rewritten = []ir.Rewritten{{Group: "g.example.net", Kind: "Hook", Name: "h", Fields: []string{".a[]?.b"}, Pointers: []string{"/a"}}}
	gateways.Charts = append(gateways.Charts, second)
	tree := emitted(t, p, "00-nodes/node.yaml", "10-load-balancer/pool.yaml", "30-gateways/gateway.yaml")
	for file, lines := range map[string][]string{
		"gitops/lab/root.yaml": {"    name: refs/tags/v7\n", "    name: key\n", "  path: ./tree/gitops/lab/steps\n"},
		"gitops/lab/steps/steps.yaml": {
			"  dependsOn:\n    - name: chart-gateway-a\n    - name: chart-gateway-b\n", "  path: ./tree/charts/lab/gateway-b\n",
		},
		"charts/lab/balancer/release.yaml":  {"  url: oci://registry.example.net/charts/lb\n", "    tag: 1.2.3\n", "    kind: OCIRepository\n"},
		"charts/lab/gateway-b/release.yaml": {"      - paths:\n          - /a\n        target:\n          group: g.example.net\n          kind: Hook\n          name: h\n"},
	} {
		for _, want := range lines {
			if text := string(tree.Lookup(file).Bytes()); !strings.Contains(text, want) {
				t.Errorf("%s lacks\n%s", file, want)
			}
		}
	}
	text := string(tree.Lookup("gitops/lab/steps/steps.yaml").Bytes())
	if n := strings.Count(text, "  dependsOn:\n    - name: 10-load-balancer\n"); n != 2 {
		t.Errorf("%d steps depend on the load balancer alone, want both gateways\n%s", n, text)
	}
	if strings.Contains(text, "00-nodes") {
		t.Error("Flux would apply the nodes with force")
	}
}
