//go:build linux

package realapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestInstall is an operator in front of an empty cluster: the platform's parts are there, then install.sh is run with
// the real kubectl, with a helm that brings what the charts would, and with controllers that do what those would. What
// the script finds missing the operator makes as SECRETS.md says, and goes on. At the end everything is there, and a
// second run changes nothing that matters.
func TestInstall(t *testing.T) {
	seen := map[string]bool{}
	for _, site := range sites(t) {
		out := compiled(t, site)
		// The steps follow from what is installed and from who delivers it: sites alike in that have one script.
		steps := fmt.Sprint(out.Plan.Mesh.Kind, out.Plan.LoadBalancer.Kind, out.Plan.LoadBalancer.Backend, out.Plan.Delivery.Kind, out.Plan.Cluster.Distribution, driver(out.Plan), out.Plan.CalicoEgress != nil, datacenter(out.Plan))
		if seen[steps] {
			continue
		}
		seen[steps] = true
		t.Run(site, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.found(out.Plan)
			// The other kinds come with what install.sh installs.
			c.install(upstream(t).definitions(t, append(platform(out.Plan), "cert-manager", "external-secrets", "prometheus-operator")...))
			c.create("kubeadm", daemonSet("kube-system", "kube-proxy"))
			o := newOperator(t, c, out)
			go c.control(t.Context(), out.Plan)

			if text, err := o.install(t, "--from", "load-balancer"); err == nil || !strings.Contains(text, "not found") {
				t.Fatalf("install.sh begins in the middle and misses nothing: %v\n%s", err, text)
			}
			// A load balancer without a chart has asked helm for nothing.
			if err := os.Remove(o.log); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			// A phase says at once what it misses: that of the pod network, and that of what follows.
			hand := byHand(out.Plan)
			text, err := o.install(t)
			for phases := 0; len(hand) > 0 && phases < 2; phases++ {
				rest := slices.DeleteFunc(slices.Clone(hand), func(s ir.Secret) bool {
					said := strings.Contains(text, "Secret "+s.Namespace+"/"+s.Name+" ")
					if said {
						c.create("operator", secret(s.Namespace, s.Name, s.Type, s.Keys))
					}
					return said
				})
				from := again.FindStringSubmatch(text)
				if err == nil || len(rest) == len(hand) || from == nil {
					t.Fatalf("Secret %s/%s is missing, and install.sh does not say so, or not from where to run again: %v\n%s", hand[0].Namespace, hand[0].Name, err, text)
				}
				hand = rest
				text, err = o.install(t, "--from", from[1])
			}
			for _, s := range hand {
				t.Fatalf("install.sh does not say with the others that Secret %s/%s is missing", s.Namespace, s.Name)
			}
			if err != nil {
				t.Fatalf("install.sh: %v\n%s", err, text)
			}
			if _, held := upstream(t).held[site+" gateway-api"]; held { // the bundle is a later one than the site's
				text = laterBundle.ReplaceAllString(text, "")
			}
			if i := strings.Index(text, "Warning:"); i >= 0 {
				t.Errorf("the server has something to remark: %s", strings.SplitN(text[i:], "\n", 2)[0])
			}
			c.complete(out)
			o.released(t, out.Plan)
			if text, err := o.install(t); err != nil {
				t.Errorf("install.sh, run again: %v\n%s", err, text)
			}
		})
	}
}

// operator is a shell with kubectl, helm and the tree.
type operator struct {
	tree, log string
	site      string
	env       []string
}

func newOperator(t *testing.T, c *client, out *compiler.Output) *operator {
	t.Helper()
	dir := t.TempDir()
	o := &operator{tree: filepath.Join(dir, "out"), log: filepath.Join(dir, "helm.log"), site: out.Plan.Name}
	if _, err := artifact.Write(o.tree, out.Tree); err != nil {
		t.Fatal(err)
	}
	objects := filepath.Join(dir, "objects")
	if err := os.Mkdir(objects, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name string, text []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for release, text := range charts(t, c, out.Plan) {
		put("objects/"+release+".yaml", text)
	}
	bundle := brought(upstream(t).definitions(t, "gateway-api"))
	put("objects/gateway-api.yaml", bundle)
	if b := out.Plan.Delivery.Bundle; b != nil && !strings.Contains(b.Manifest, "://") { // the operator has carried it in
		if err := os.MkdirAll(filepath.Join(o.tree, filepath.Dir(b.Manifest)), 0o755); err != nil {
			t.Fatal(err)
		}
		put(filepath.Join("out", b.Manifest), bundle)
	}
	config := put("kubeconfig", asJSON(t, map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "metal",
		"clusters": []any{map[string]any{"name": "metal", "cluster": map[string]string{"server": c.base, "certificate-authority": c.id.certFile}}},
		"users":    []any{map[string]any{"name": "operator", "user": map[string]string{"client-certificate": c.id.certFile, "client-key": c.id.keyFile}}},
		"contexts": []any{map[string]any{"name": "metal", "context": map[string]string{"cluster": "metal", "user": "operator"}}},
	}))
	shims, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	o.env = append(os.Environ(),
		"PATH="+shims+":"+os.Getenv("PATH"), "HOME="+dir, "KUBECONFIG="+config, "KUBECTL="+program(t, "kubectl"),
		"OBJECTS="+objects, "LOG="+o.log, "GATEWAY_API=v"+out.Plan.Cluster.GatewayAPI.Version,
		"MESHGEN_CONTEXT=metal", "MESHGEN_TIMEOUT=60s", "MESHGEN_PAUSE=1")
	return o
}

func encoded(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(text)
}

// install runs the script of the tree, from another folder, as its first lines allow.
func (o *operator) install(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	script := filepath.Join(o.tree, "charts", o.site, "install.sh")
	cmd := exec.CommandContext(ctx, "bash", append([]string{script}, args...)...)
	cmd.Env, cmd.Dir = o.env, "/"
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// released compares what helm was asked for with the plan.
func (o *operator) released(t *testing.T, p *ir.Plan) {
	t.Helper()
	text, err := os.ReadFile(o.log)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range p.Releases {
		want = append(want, fmt.Sprintf("%s %s %s %s", r.Name, r.Chart, r.Version, r.Namespace))
	}
	got := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("releases %q, and not %q", got, want)
	}
}

// staged are folders of an overlay that people apply by themselves, one day.
var staged = regexp.MustCompile(`^kubernetes/overlays/[^/]+/[^/]+/.+/`)

// again is what the script says of the run after this one.
var again = regexp.MustCompile(`Then run again with --from (\S+)\.`)

// complete looks for every object of the overlay, and for every Secret that one of them reads.
func (c *client) complete(out *compiler.Output) {
	c.t.Helper()
	n := 0
	for _, f := range out.Tree.Files() {
		if !strings.HasPrefix(f.Path(), "kubernetes/overlays/") || strings.HasSuffix(f.Path(), "/kustomization.yaml") || staged.MatchString(f.Path()) {
			continue
		}
		for _, o := range documents(c.t, f.Bytes(), f.Path()) {
			path, refused := c.path(o)
			if refused == "" && c.call(http.MethodGet, path, "", nil).ok() {
				n++
				continue
			}
			c.t.Errorf("after install.sh there is no %s (%s)", o, f.Path())
		}
	}
	for _, s := range out.Verified.Secrets {
		a := c.call(http.MethodGet, "/api/v1/namespaces/"+s.Namespace+"/secrets/"+s.Name, "", nil)
		var have struct{ Data map[string]string }
		if err := json.Unmarshal(a.body, &have); err != nil {
			c.t.Fatal(err)
		}
		for _, key := range s.Keys {
			if s.Late {
				break // another site makes it
			}
			if _, ok := have.Data[key]; !ok {
				c.t.Errorf("%s reads key %s of Secret %s/%s, and it is not there", s.By, key, s.Namespace, s.Name)
			}
		}
	}
	c.t.Logf("%d objects and %d Secrets are there", n, len(out.Verified.Secrets))
}

func byHand(p *ir.Plan) []ir.Secret {
	return slices.DeleteFunc(slices.Clone(p.Secrets), func(s ir.Secret) bool { return s.Creator != ir.ByHand || s.Late })
}

// datacenter is what the site is in a federation of Consul's datacenters, who differ in their Secrets; "" where it is in none.
func datacenter(p *ir.Plan) string {
	switch {
	case p.Consul == nil || p.Consul.WAN == nil:
		return ""
	case p.Consul.WAN.Secondary:
		return "secondary"
	}
	return "primary"
}
