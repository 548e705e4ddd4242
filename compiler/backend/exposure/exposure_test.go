package exposure

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestFamilies: a Service has the families of its addresses, whatever the cluster's first one is.
func TestFamilies(t *testing.T) {
	for want, vips := range map[string][]string{
		"  ipFamilies:\n    - IPv4\n":          {"192.0.2.1"},
		"  ipFamilies:\n    - IPv6\n":          {"2001:db8::1"},
		"  ipFamilyPolicy: RequireDualStack\n": {"2001:db8::1", "192.0.2.1"},
	} {
		e := ir.Exposure{Name: "a-public", Exposure: "a", Namespace: "n", Ports: []ir.Port{{Name: "q", Port: 53, TargetPort: 5353, Protocol: "udp"}}}
		for _, v := range vips {
			e.VIPs = append(e.VIPs, netip.MustParseAddr(v))
		}
		tree := artifact.NewTree()
		emit(&ir.Plan{Name: "lab", Exposures: []ir.Exposure{e}}, tree)
		if err := tree.Err(); err != nil {
			t.Fatal(err)
		}
		text := string(tree.Lookup("kubernetes/overlays/lab/30-gateways/service.yaml").Bytes())
		if !strings.Contains(text, want) {
			t.Errorf("%v: no %q in\n%s", vips, want, text)
		}
		if !strings.Contains(text, "      targetPort: 5353\n      protocol: UDP\n") || strings.Contains(text, "TCP") {
			t.Errorf("a port of UDP alone:\n%s", text)
		}
	}
}
