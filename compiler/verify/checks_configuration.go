package verify

import "slices"

// ciliumSwitches are the keys of ConfigMap cilium-config without which nothing reads objects of a kind (Cilium 1.20.2,
// templates/cilium-configmap.yaml).
var ciliumSwitches = map[string]string{"CiliumBGPClusterConfig": "enable-bgp-control-plane", "CiliumL2AnnouncementPolicy": "enable-l2-announcements",
	"CiliumEgressGatewayPolicy": "enable-egress-gateway"}

// ciliumValues are the values that keys of the ConfigMap may have.
var ciliumValues = map[string][]string{
	"enable-bgp-control-plane": {"true"}, "enable-l2-announcements": {"true"}, "enable-egress-gateway": {"true"},
	"kube-proxy-replacement": {"true", "false"}, "cni-exclusive": {"true", "false"}, "bpf-lb-sock-hostns-only": {"true", "false"},
	"enable-bpf-masquerade": {"true", "false"}, "default-lb-service-ipam": {"none"}, "routing-mode": {"tunnel", "native"}, "tunnel-protocol": {"vxlan", "geneve"}, "ipam": {"cluster-pool"},
	"policy-cidr-match-mode": {"nodes"},
	"cluster-pool-ipv4-cidr": nil, "cluster-pool-ipv4-mask-size": nil, "cluster-pool-ipv6-cidr": nil, "cluster-pool-ipv6-mask-size": nil, "devices": nil,
}

// expectedConfiguration: where others install Cilium, what reads each kind of object must be expected of them, and
// nothing that Cilium does not know.
func (p *pass) expectedConfiguration() {
	set := map[string]string{}
	for _, c := range p.expected.Configuration {
		values, known := ciliumValues[c.Key]
		if c.Namespace != "kube-system" || c.ConfigMap != "cilium-config" || !known || c.Value == "" || values != nil && !slices.Contains(values, c.Value) {
			p.unexpected("ConfigMap %s/%s has no key %q, or never %q in it", c.Namespace, c.ConfigMap, c.Key, c.Value)
		}
		if _, twice := set[c.Key]; twice {
			p.unexpected("key %q stands twice", c.Key)
		}
		set[c.Key] = c.Value
	}
	for _, chart := range p.releases.Charts {
		if chart.Name == "cilium" {
			if len(set) > 0 {
				p.unexpected("it expects values of a chart that the tree installs")
			}
			return
		}
	}
	for _, kind := range sortedKeys(ciliumSwitches) {
		there := slices.ContainsFunc(p.objects, func(o *object) bool { return o.is(ciliumGroup, kind) })
		if there != (set[ciliumSwitches[kind]] == "true") {
			p.unexpected("objects of kind %s and key %s do not go together", kind, ciliumSwitches[kind])
		}
	}
	meshed := slices.ContainsFunc(p.objects, func(o *object) bool { return o.is(ciliumGroup, "CiliumNetworkPolicy") })
	if len(set) > 0 && !meshed && p.admitsBlocks() && set["policy-cidr-match-mode"] == "" {
		p.unexpected("NetworkPolicies admit by addresses, and no key lets the address of a node match")
	}
	for _, r := range p.expected.PodRanges {
		if len(set) > 0 && set["cluster-pool-ipv4-cidr"] != r.Prefix && set["cluster-pool-ipv6-cidr"] != r.Prefix {
			p.unexpected("no key gives nodes ranges of %s", r.Prefix)
		}
	}
}
