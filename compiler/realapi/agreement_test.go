//go:build linux

package realapi

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/verify"
)

// A mistake is made in one file of a tree, at the first match.
type mistake struct {
	site, file string // below the site's overlay
	old, new   string // regular expression, and its replacement
}

// mistakes are refused by the product's own checks and by the server: what the ones know of Kubernetes is what it does.
var mistakes = []mistake{
	{"fra1", "00-nodes/node.yaml", `effect: NoSchedule`, `effect: NoShedule`},
	{"fra1", "00-nodes/node.yaml", `meshgen.dev/class: edge`, `meshgen.dev/class: Edge!`},
	{"fra1", "00-nodes/configmap.yaml", `\ndata:`, "\ndate:"},
	{"fra1", "05-namespaces/namespace.yaml", `enforce: \w+`, `enforce: strong`},
	{"fra1", "05-namespaces/namespace.yaml", `name: payments`, `name: Payments_`},
	{"fra1", "10-load-balancer/bfdprofile.yaml", `receiveInterval: 300`, `receiveInterval: 5`},
	{"fra1", "10-load-balancer/bfdprofile.yaml", `detectMultiplier: 3`, `detectMultiplier: 300`},
	{"fra1", "10-load-balancer/bgppeer.yaml", `peerASN: \d+`, `peerASN: 4294967296`},
	{"fra1", "10-load-balancer/bgppeer.yaml", `peerAddress`, `peerAdress`},
	{"fra1", "10-load-balancer/ipaddresspool.yaml", `autoAssign: false`, `autoAssign: "false"`},
	{"krk1", "20-mesh/ciliumclusterwidenetworkpolicy.yaml", `enableDefaultDeny`, `enableDefaultdeny`},
	{"krk1", "20-mesh/gateway.yaml", `gatewayClassName`, `gatewayClass`},
	{"krk1", "40-policy/httproute.yaml", `weight: 20`, `weight: -20`},
	{"fra1", "20-mesh/telemetry.yaml", `randomSamplingPercentage: 1`, `randomSamplingPercentage: 101`},
	{"fra1", "45-enforcement/peerauthentication.yaml", `mode: STRICT`, `mode: STRICKT`},
	{"fra1", "30-gateways/gateway.yaml", `mode: MUTUAL`, `mode: BOTH`},
	{"fra1", "30-gateways/virtualservice.yaml", `weight: 90`, `wieght: 90`},
	{"fra1", "40-policy/authorizationpolicy.yaml", `action: ALLOW`, `action: ALOW`},
	{"fra1", "40-policy/networkpolicy.yaml", `cidr: 10.10.1.0/24`, `cidr: 10.10.1.0/33`},
	{"fra1", "40-policy/networkpolicy.yaml", `cidr: 10.10.1.0/24`, `cidr: 10.10.1.1/24`},
	{"fra1", "40-policy/networkpolicy.yaml", `protocol: TCP`, `protocol: tcp`},
	{"fra1", "40-policy/networkpolicy.yaml", `port: \d+`, `port: 70000`},
	{"fra1", "40-policy/serviceentry.yaml", `resolution: STATIC`, `resolution: FIXED`},
	{"fra1", "40-policy/serviceentry.yaml", `( +)- name: db\n`, "${1}- name: db\n${1}  number: 1521\n${1}  protocol: TCP\n${1}- name: db\n"},
	{"fra1", "40-policy/sidecar.yaml", `( +)mode: REGISTRY_ONLY`, `${1}mode: REGISTRY`},
	{"muc1", "30-gateways/httproute.yaml", `type: PathPrefix`, `type: Prefix`},
	{"muc1", "30-gateways/httproute.yaml", `value: /checkout`, `value: checkout`},
	{"muc1", "30-gateways/httproute.yaml", `statusCode: 301`, `statusCode: 300`},
	{"muc1", "30-gateways/httproute.yaml", `request: 3s`, `request: 3 s`},
	{"muc1", "30-gateways/gateway.yaml", `protocol: HTTPS`, `protocol: HTTP`},
	{"muc1", "30-gateways/gateway.yaml", `port: \d+`, `port: 0`},
	{"fra1", "40-policy/sidecar.yaml", `name: default`, `name: default-`},
	{"muc1", "30-gateways/httproute.yaml", `namespace: gateway-public`, `namespace: gateway`},
	{"fra1", "05-namespaces/namespace.yaml", `enforce-version: v1.35`, `enforce-version: "1.35"`},
	{"fra1", "30-gateways/gateway.yaml", `( +)credentialName: (\S+)`, "${1}credentialName: $2\n${1}credentialNames: [a, b]"},
}

// unseen are mistakes that the server takes: they need the webhooks of controllers, which do not run here, or knowledge
// of the site.
var unseen = []mistake{
	{"fra1", "10-load-balancer/bgpadvertisement.yaml", `aggregationLength: 32`, `aggregationLength: 33`},
	{"fra1", "10-load-balancer/ipaddresspool.yaml", `198.51.100.16-198.51.100.23`, `198.51.100.23-198.51.100.16`},
}

// TestAgreement makes each mistake and asks both.
func TestAgreement(t *testing.T) {
	c := newCluster(t)
	c.install(upstream(t).definitions(t))
	outputs := map[string]*compiler.Output{}
	before := map[string]bool{} // what verify says of whole trees: it is not told here of all that stands outside
	for _, site := range sites(t) {
		out := compiled(t, site)
		outputs[site] = out
		c.needed(out.Tree)
		_, found := verify.Tree(with(out.Tree, "", nil), releases(out.Plan))
		for _, f := range found {
			before[f.Message] = true
		}
	}
	ask := func(m mistake, refused string) {
		t.Helper()
		out := outputs[m.site]
		file := "kubernetes/overlays/" + m.site + "/" + m.file
		text, ok := m.in(out.Tree.Lookup(file).Bytes())
		if !ok {
			t.Errorf("nothing in %s matches %s", file, m.old)
			return
		}
		ours := ""
		_, found := verify.Tree(with(out.Tree, file, text), releases(out.Plan))
		if i := slices.IndexFunc(found, func(f diag.Finding) bool { return !before[f.Message] }); i >= 0 {
			ours = found[i].Message
		}
		theirs := c.refusal(documents(t, text, m.file))
		t.Logf("%s: %q → %q\n  verify: %s\n  server: %s", m.file, m.old, m.new, said(ours), said(theirs))
		got := map[[2]bool]string{{true, true}: "by both", {true, false}: "by verify", {false, true}: "by the server"}[[2]bool{ours != "", theirs != ""}]
		if got != refused {
			t.Errorf("%s: %q → %q is refused %s, and not %s", m.file, m.old, m.new, cmp.Or(got, "by nobody"), refused)
		}
	}
	for _, m := range mistakes {
		ask(m, "by both")
	}
	for _, m := range unseen {
		ask(m, "by verify")
	}
	t.Logf("mistakes: %d refused by both, %d by verify alone", len(mistakes), len(unseen))
}

// said shortens a refusal to one line.
func said(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "takes it"
	}
	return s[:min(len(s), 180)]
}

// needed makes the namespaces of a site's tree.
func (c *client) needed(tree *artifact.Tree) {
	c.t.Helper()
	for _, f := range tree.Files() {
		if path.Base(f.Path()) != "namespace.yaml" {
			continue
		}
		for _, o := range documents(c.t, f.Bytes(), f.Path()) {
			// Sites share names of namespaces: here the last one has them.
			if a := c.apply(o, options{force: true}); !a.ok() {
				c.t.Fatalf("%s: %s", o, a.complaint())
			}
		}
	}
}

// refusal is why the server does not take one of the objects; nothing is stored.
func (c *client) refusal(objects []object) string {
	c.t.Helper()
	for _, o := range objects {
		if a := c.apply(o, options{dryRun: true, force: true}); a.complaint() != "" {
			return fmt.Sprintf("%s: %s", o, a.complaint())
		}
	}
	return ""
}

// in makes the mistake in a text; false when there is nothing to make it of.
func (m mistake) in(text []byte) ([]byte, bool) {
	re := regexp.MustCompile(m.old)
	at := re.FindSubmatchIndex(text)
	if at == nil {
		return nil, false
	}
	var b bytes.Buffer
	b.Write(text[:at[0]])
	b.Write(re.Expand(nil, []byte(m.new), text, at))
	b.Write(text[at[1]:])
	return b.Bytes(), true
}

// with copies a tree, one file replaced by a text, and without the manifest, whose digests would give it away.
func with(tree *artifact.Tree, file string, text []byte) *artifact.Tree {
	out := artifact.NewTree()
	for _, f := range tree.Files() {
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") {
			continue
		}
		data := f.Bytes()
		if f.Path() == file {
			data = text
		}
		if g := out.File(f.Path(), f.Origins()...); len(data) > 0 {
			g.Line(strings.TrimSuffix(string(data), "\n"))
		}
	}
	return out
}
