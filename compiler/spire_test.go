package compiler

import (
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/verify"
)

// spireSites are examples whose mesh SPIRE signs for when a passage is replaced: gateways of both frontends and a second
// control plane, alerts, a gateway for another site, and gateways out of the mesh.
var spireSites = []struct{ example, old, new string }{
	{"gdn1", `kind: "plugin", secret: "cacerts", rootNotAfter: "2036-06-01", intermediateNotAfter: "2028-11-01", `, `kind: "spire", `},
	{"fra1", `trustDomain: "fra1.example.net"`, `trustDomain: "fra1.example.net", ca: {kind: "spire"}`},
	{"gva1", `kind: "plugin", secret: "cacerts"`, `kind: "spire"`},
	{"kos1", `trustDomain: "kos1.example.net"`, `trustDomain: "kos1.example.net", ca: {kind: "spire"}`},
}

// spireMutants are mistakes by which proxies would ask nobody, or somebody else than SPIRE.
var spireMutants = []mutant{
	{"istio", "gdn1", "charts/*/istiod-1-31-0/values.yaml", `driver: csi.spiffe.io`, `driver: csi.spiffe.org`},
	{"istio", "gdn1", "charts/*/istiod-1-31-1/values.yaml", `    - spire\n`, ``},
	{"istio", "gdn1", "charts/*/istiod-1-31-0/values.yaml", `              readOnly: true\n`, "              readOnly: false\n"},
	{"istio", "gdn1", "charts/*/istiod-1-31-0/values.yaml", `WORKLOAD_IDENTITY_SOCKET_FILE: spire-agent.sock`, `WORKLOAD_IDENTITY_SOCKET_FILE: socket`},
	{"istio", "gdn1", "charts/*/istiod-1-31-0/values.yaml", `\n +WORKLOAD_IDENTITY_SOCKET_FILE: spire-agent.sock`, `
      SECRET_TTL: 12h`},
	{"istio", "gdn1", "charts/*/istiod-1-31-0/values.yaml", ` +# Of all gateways.*\n +volumes:\n +- name: workload-socket\n +csi:\n.*\n.*\n`, ``},
	{"istio", "gdn1", "charts/*/gateway-partner/values.yaml", `gateway,spire`, `gateway`},
	{"istio", "kos1", "charts/*/egress*/values.yaml", `gateway,spire`, `spire`},
}

// TestSPIRE compiles sites whose mesh SPIRE signs for, and holds verify to mistakes in them.
func TestSPIRE(t *testing.T) {
	outputs := map[string]*Output{}
	for _, s := range spireSites {
		text := read(t, filepath.Join(examplesDir, s.example, "site.cue"))
		if !strings.Contains(text, s.old) {
			t.Fatalf("%s: nothing to replace", s.example)
		}
		out := compileText(t, "site.cue", strings.Replace(text, s.old, s.new, 1))
		if out.Plan.Mesh.CA == nil || out.Plan.Mesh.CA.SPIRE == nil {
			t.Fatalf("%s: SPIRE does not sign", s.example)
		}
		for _, f := range out.Tree.Files() {
			for _, word := range []string{"istio_agent_cert_expiry_seconds", "citadel_server_csr_sign_err_count", "SECRET_TTL"} {
				if strings.Contains(string(f.Bytes()), word) {
					t.Errorf("%s: %s has %s, which nobody counts or asks by", s.example, f.Path(), word)
				}
			}
		}
		outputs[s.example] = out
		runbook := string(out.Tree.Lookup("docs/" + s.example + "/RUNBOOK.md").Bytes())
		if abroad := strings.Contains(runbook, "federatesWith: [gva2.example.net]") && strings.Contains(runbook, "sds.defaultAllBundlesName: ROOTCA"); abroad != (s.example == "gva1") {
			t.Errorf("%s: the runbook asks SPIRE for roots of other sites: %v", s.example, abroad)
		}
	}
	for _, m := range spireMutants {
		out := outputs[m.example]
		tree, ok := mutate(out.Tree, m)
		if !ok {
			t.Errorf("nothing in %s of %s matches %s", m.file, m.example, m.old)
		} else if _, found := verify.Tree(tree, releases(out.Plan)); !found.HasErrors() {
			t.Errorf("verify does not see %q become %q in %s", m.old, m.new, m.file)
		}
	}
}
