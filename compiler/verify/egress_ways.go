package verify

import (
	"maps"
	"net/netip"
	"slices"

	"go.yaml.in/yaml/v3"
)

// consulWaysOut are the addresses that pods of Consul's terminating gateways connect to, of those that stand on chosen nodes
// and whose packets the pod network leaves to these.
func (p *pass) consulWaysOut() []proxiedDestination {
	var out []proxiedDestination
	defaults := p.consulOutside()
	for _, name := range sortedKeys(p.values) {
		if p.releases.Charts[name].Name != "consul" {
			continue
		}
		for _, g := range list(p.values[name].value, "terminatingGateways", "gateways") {
			var nodes map[string]any
			way := str(g, "name")
			if yaml.Unmarshal([]byte(str(g, "nodeSelector")), &nodes) != nil || len(nodes) == 0 || p.carriedOut(name+"-"+way) {
				continue
			}
			entry := p.find(consulGroup, "TerminatingGateway", p.releases.Charts[name].Namespace, way)
			if entry == nil {
				continue // another rule says so
			}
			for i, s := range list(entry.value, "spec", "services") {
				d := defaults[str(s, "name")]
				if d == nil || d.kind != "ServiceDefaults" {
					continue
				}
				for _, text := range strs(d.value, "spec", "destination", "addresses") {
					a, err := netip.ParseAddr(text)
					if err != nil {
						entry.report(p, ruleSources, fieldPath{"spec", "services"}.at(i), "%s is known by the name %s: what the gateway finds behind it nothing gives a source address on the way to", d.name, text)
						continue
					}
					out = append(out, proxiedDestination{to: netip.PrefixFrom(a, a.BitLen()), release: way, terms: []any{map[string]any{"matchLabels": nodes}}})
				}
			}
		}
	}
	return out
}

// carriedOut reports whether Cilium carries what the pods of a terminating gateway send to a node with a source address.
func (p *pass) carriedOut(pods string) bool {
	return slices.ContainsFunc(p.objects, func(o *object) bool {
		return o.is("cilium.io", "CiliumEgressGatewayPolicy") && slices.ContainsFunc(list(o.value, "spec", "selectors"), func(s any) bool {
			return slices.Contains(slices.Collect(maps.Values(dict(s, "podSelector", "matchLabels"))), any(pods))
		})
	})
}
