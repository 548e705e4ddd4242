package policy

import (
	"strings"
	"testing"
)

const (
	calicoGood = `{rules: [{description: bank, destination: {cidr: 203.0.113.40/32}, gateway: {namespaceSelector: "a == 'b'", selector: "c == 'd'"}}]}`
	poolGood   = `{cidr: 198.51.100.65/32, blockSize: 32, allowedUses: [Workload], nodeSelector: "!all()", natOutgoing: false, vxlanMode: Always, ipipMode: Never}`
)

func calicoObject(version, kind, spec string) string {
	return "---\napiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: x}\nspec: " + spec + "\n"
}

// Source addresses open no edge; what might is refused.
func TestCalico(t *testing.T) {
	for _, tt := range []struct{ name, version, kind, spec, want string }{
		{"a pool", "projectcalico.org/v3", "IPPool", poolGood, ""},
		{"a pool of any pod", "projectcalico.org/v3", "IPPool", strings.Replace(poolGood, "!all()", "all()", 1), "pods of services may get its addresses"},
		{"a pool of a kind that is new", "projectcalico.org/v3", "IPPool", strings.Replace(poolGood, "cidr", "assignmentMode: Manual, cidr", 1), `unknown field "assignmentMode"`},
		{"a policy", "projectcalico.org/v3", "EgressGatewayPolicy", calicoGood, ""},
		{"a policy of all destinations", "projectcalico.org/v3", "EgressGatewayPolicy", strings.Replace(calicoGood, "203.0.113.40/32", "0.0.0.0/0", 1), "anybody"},
		{"a rule without destination", "projectcalico.org/v3", "EgressGatewayPolicy", strings.Replace(calicoGood, "destination: {cidr: 203.0.113.40/32}, ", "", 1), "destination"},
		{"a peer", "projectcalico.org/v3", "BGPPeer", "{peerIP: 192.0.2.1, asNumber: 64512}", ""},
		{"a peer that is a pod", "projectcalico.org/v3", "BGPPeer", "{localWorkloadSelector: all(), asNumber: 64512}", "localWorkloadSelector is not understood"},
		{"addresses of Services announced", "projectcalico.org/v3", "BGPConfiguration", "{serviceLoadBalancerIPs: [{cidr: 192.0.2.0/24}]}", "serviceLoadBalancerIPs is not understood"},
		{"a gateway", "operator.tigera.io/v1", "EgressGateway", "{replicas: 2, ipPools: [{name: x}], template: {}}", ""},
		{"a gateway to other networks", "operator.tigera.io/v1", "EgressGateway", "{externalNetworks: [red]}", "externalNetworks"},
		{"Calico's own policy", "projectcalico.org/v3", "GlobalNetworkPolicy", "{}", "GlobalNetworkPolicy of projectcalico.org/v3 is not understood"},
		{"the same of old", "crd.projectcalico.org/v1", "NetworkPolicy", "{}", "not understood"},
		{"another object of the operator", "operator.tigera.io/v1", "Installation", "{}", "Installation of operator.tigera.io/v1 is not understood"},
	} {
		_, err := readErr(plainMesh, calicoObject(tt.version, tt.kind, tt.spec))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
