package plan

import (
	"testing"

	"meshgen.dev/meshgen/compiler/diff"
)

// TestTable looks changes up as they come from a comparison.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		component, kind, name, at string
		status                    diff.Status
		want                      Effect
	}{
		{diff.Fabric, "switch", "a.conf", "router bgp 65001", diff.Changed, SessionReset},
		{diff.Fabric, "switch", "a.conf", "router bgp 65001 / neighbor 192.0.2.1 remote-as 65002", diff.Changed, SessionReset},
		{diff.Fabric, "switch", "a.conf", "router bgp 65001 / neighbor 192.0.2.1 remote-as 65002", diff.Added, Reload},
		{diff.Fabric, "switch", "a.conf", "router bgp 65001 / neighbor 192.0.2.1 remote-as 65002", diff.Removed, SessionReset},
		{diff.Fabric, "switch", "a.conf", "router bgp 65001 / neighbor X_NODES timers 3 9", diff.Changed, Reload},
		{diff.Fabric, "switch", "a.conf", "router bgp 65001 / neighbor X_NODES password s", diff.Changed, SessionReset},
		{diff.Fabric, "switch", "a.conf", "ip prefix-list X seq 5 permit 192.0.2.0/24", diff.Added, Reload},
		{diff.Fabric, "switch", "a.conf", "router bgp 65001 / neighbor 192.0.2.1 description n", diff.Changed, Nothing},
		{diff.Fabric, "switch", "a.conf", "hostname x", diff.Changed, SessionReset}, // unknown
		{diff.Fabric, "switch", "a.conf", "", diff.Added, Nothing},
		{diff.Fabric, "switch", "a.conf", "", diff.Removed, SessionReset},
		{diff.Hosts, "kernel module options", "r1/etc/modprobe.d/m.conf", "options nf_conntrack hashsize=1", diff.Changed, Reload},
		{diff.Hosts, "kernel module options", "r1/etc/modprobe.d/m.conf", "options other a=1", diff.Changed, Reboot},
		{diff.Hosts, "kubelet flags", "r1/etc/default/kubelet", "KUBELET_EXTRA_ARGS", diff.Changed, KubeletRestart},
		{diff.Hosts, "machine configuration", "r1/cloud-init.yaml", "", diff.Changed, Nothing},
		{diff.Kubernetes, "BGPPeer", "n/p", "spec.peerASN", diff.Changed, SessionReset},
		{diff.Kubernetes, "BGPPeer", "n/p", "spec.holdTime", diff.Changed, Reload},
		{diff.Kubernetes, "BGPPeer", "n/p", "", diff.Added, Reload},
		{diff.Kubernetes, "Namespace", "web", `metadata.labels["istio.io/rev"]`, diff.Changed, ProxyRestart},
		{diff.Kubernetes, "Namespace", "web", `metadata.labels["istio.io/dataplane-mode"]`, diff.Changed, Reload},
		{diff.Kubernetes, "Namespace", "web", `metadata.annotations["egress.projectcalico.org/egressGatewayPolicy"]`, diff.Added, Reload},
		{diff.Kubernetes, "EgressGatewayPolicy", "egress-web", "", diff.Added, Nothing},
		{diff.Kubernetes, "EgressGatewayPolicy", "egress-web", "spec.rules / x", diff.Added, Reload},
		{diff.Kubernetes, "EgressGateway", "egress/egress", "spec.template.spec.tolerations / x", diff.Changed, PodRestart},
		{diff.Kubernetes, "EgressGateway", "egress/egress", "spec.replicas", diff.Changed, Reload},
		{diff.Kubernetes, "ConfigMap", "kube-system/kube-proxy", `data["config.conf"]`, diff.Changed, PodRestart},
		{diff.Kubernetes, "Node", "n1", "spec.taints effect: NoExecute", diff.Changed, PodRestart},
		{diff.Charts, "chart values", "gateway-public/values.yaml", "affinity / x", diff.Added, PodRestart},
		{diff.Charts, "chart values", "gateway-public/values.yaml", "service.annotations / x", diff.Changed, Reload},
		{diff.Charts, "chart values", "istiod-2/values.yaml", "", diff.Added, Nothing},
		{diff.Charts, "releases", "istiod-2", "releases[istiod-2] / - name: istiod-2", diff.Added, Nothing},
		{diff.Charts, "releases", "metallb", "releases[metallb].version / 0.16.3", diff.Changed, SessionReset},
		{diff.Documents, "document", "RUNBOOK.md", "", diff.Changed, Nothing},
	} {
		if got := fits(&diff.Change{Component: c.component, Kind: c.kind}, c.name, c.at, c.status); got.effect != c.want {
			t.Errorf("%s %s, %q, %s: %s (%s), not %s", c.kind, c.name, c.at, c.status, got.effect, got.what, c.want)
		}
	}
	for _, r := range table {
		if r.what == "" || r.source == "" {
			t.Errorf("a row of %s %s says nothing, or has no source", r.component, r.kind)
		}
	}
}
