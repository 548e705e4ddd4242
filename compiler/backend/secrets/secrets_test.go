package secrets

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// lab needs a Secret of each creator.
func lab() *ir.Plan {
	return &ir.Plan{Name: "lab", From: ir.From{"name"}, Secrets: []ir.Secret{
		{Namespace: "edge", Name: "hand", Type: "Opaque", Keys: []string{"ca.crt"}, Consumers: []string{"Gateway edge/a"}, Creator: ir.ByHand,
			Why: "By hand.", From: ir.From{"gateways.a.listeners.x.tls"}},
		{Namespace: "edge", Name: "issued", Type: "kubernetes.io/tls", Keys: []string{"tls.crt", "tls.key"}, Consumers: []string{"Gateway edge/a"},
			Creator: ir.CertManager, Issuer: "corporate", Why: "Issued.", From: ir.From{"gateways.a.listeners.y.tls"}},
		{Namespace: "lb", Name: "stored", Type: "kubernetes.io/basic-auth", Keys: []string{"password"}, Consumers: []string{"BGPPeer lb/x", "switch s1"},
			Creator: ir.ExternalSecrets, Store: "vault", RemoteKey: "p/lb/stored", Why: "Stored.",
			From: ir.From{"fabric.bgp.passwordSecret", "secrets.provider", "secrets.store", "secrets.prefix"}},
	}}
}

func emitted(t *testing.T, p *ir.Plan) *artifact.Tree {
	t.Helper()
	tree := artifact.NewTree()
	Backend.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestContract(t *testing.T) {
	var got struct{ Secrets []map[string]any }
	if err := json.Unmarshal(emitted(t, lab()).Lookup("docs/lab/secrets.json").Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{
		{"consumers", "creator", "keys", "name", "namespace", "type", "why"},
		{"consumers", "creator", "issuer", "keys", "name", "namespace", "type", "why"},
		{"consumers", "creator", "keys", "name", "namespace", "remoteKey", "store", "type", "why"},
	} {
		var keys []string
		for k := range got.Secrets[i] {
			keys = append(keys, k)
		}
		if slices.Sort(keys); !slices.Equal(keys, want) {
			t.Errorf("entry %d has %v, want %v", i, keys, want)
		}
	}
}

// Only what comes from the store has an object, and each key comes from a property of its own name.
func TestExternalSecrets(t *testing.T) {
	const file = "kubernetes/overlays/lab/07-secrets/externalsecret.yaml"
	f := emitted(t, lab()).Lookup(file)
	text := string(f.Bytes())
	if n := strings.Count(text, "kind: ExternalSecret"); n != 1 {
		t.Errorf("%d objects, want 1", n)
	}
	for _, want := range []string{
		"name: stored\n  namespace: lb\n", "    name: vault\n", "      type: kubernetes.io/basic-auth\n",
		"    - secretKey: password\n      remoteRef:\n        key: p/lb/stored\n        property: password\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	n := slices.Index(strings.Split(text, "\n"), "    name: vault")
	if o, _ := f.Origin(n + 1); len(o.Paths) == 0 || o.Paths[0] != "secrets.store" {
		t.Errorf("the store comes from %v", o.Paths)
	}
	p := lab()
	p.Secrets = p.Secrets[:2]
	if emitted(t, p).Lookup(file) != nil {
		t.Error("a site without a store has ExternalSecrets")
	}
}

func TestDocument(t *testing.T) {
	text := string(emitted(t, lab()).Lookup("docs/lab/SECRETS.md").Bytes())
	for _, want := range []string{
		"| `edge` | `issued` | `kubernetes.io/tls` | `tls.crt`, `tls.key` | Gateway edge/a | cert-manager, ClusterIssuer `corporate` |",
		"| `p/lb/stored` | `password` | `lb/stored` |",
		"kubectl -n edge create secret generic hand --type=Opaque --from-file=ca.crt\n",
		"kubectl -n lb wait --for=condition=Ready --timeout=120s externalsecret/stored\n",
		"kubectl -n edge wait --for=condition=Ready --timeout=300s certificate/issued\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := string(emitted(t, &ir.Plan{Name: "lab"}).Lookup("docs/lab/SECRETS.md").Bytes()); !strings.Contains(text, "needs none") {
		t.Error(text)
	}
}
