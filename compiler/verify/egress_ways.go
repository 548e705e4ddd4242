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
		placed := map[string]map[string]any{} // by the chart, or by the controller
		for _, g := range list(p.values[name].value, "terminatingGateways", "gateways") {
			var nodes map[string]any
			if yaml.Unmarshal([]byte(str(g, "nodeSelector")), &nodes) == nil {
				placed[str(g, "name")] = nodes
			}
		}
		for _, entry := range p.objects {
			way := entry.name
			if !entry.is(consulGroup, "TerminatingGateway") || entry.namespace != p.releases.Charts[name].Namespace {
				continue
			}
			nodes := placed[way]
			if consulMakes(entry) {
				nodes = dict(entry.value, "spec", "deployment", "nodeSelector")
			}
			if len(nodes) == 0 || p.carriedOut(name+"-"+way) {
				continue
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

// waypointLabel binds what has it to the waypoint of that name in its namespace.
const waypointLabel = "istio.io/use-waypoint"

// egressWaypoint is the waypoint of a ServiceEntry, by its own label; nil: none.
func (p *pass) egressWaypoint(o *object) *object {
	name := str(o.value, "metadata", "labels", waypointLabel)
	g := p.find("gateway.networking.k8s.io", "Gateway", o.namespace, name)
	if name == "" || g == nil || str(g.value, "spec", "gatewayClassName") != "istio-waypoint" {
		return nil
	}
	return g
}

// ambientWaysOut are the addresses of entries with a waypoint, on the nodes that the patch of its pods names.
func (p *pass) ambientWaysOut() []proxiedDestination {
	var out []proxiedDestination
	for _, o := range p.objects {
		if !o.is("networking.istio.io", "ServiceEntry") || p.egressWaypoint(o) == nil {
			continue
		}
		w := p.egressWaypoint(o)
		parameters := p.find("", "ConfigMap", w.namespace, str(w.value, "spec", "infrastructure", "parametersRef", "name"))
		var pods map[string]any
		if parameters == nil || yaml.Unmarshal([]byte(str(parameters.value, "data", "deployment")), &pods) != nil {
			continue // another rule says so
		}
		terms := list(pods, "spec", "template", "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
		if len(terms) == 0 {
			parameters.report(p, ruleSources, fieldPath{"data", "deployment"}, "its pods may run on any node: what they send has that node's address")
		}
		for _, text := range addressesOf(o) {
			if a, err := netip.ParseAddr(text); err == nil {
				out = append(out, proxiedDestination{to: netip.PrefixFrom(a, a.BitLen()), release: w.name, terms: terms})
			}
		}
	}
	return out
}

// checkEgressEntries: ztunnel knows an address once, whatever the port, and the waypoint connects to that address and to no
// other; who may is said for each entry, which else stands open to nobody.
func (p *pass) checkEgressEntries() {
	known := map[string]*object{}
	for _, o := range p.objects {
		if !o.is("networking.istio.io", "ServiceEntry") {
			continue
		}
		if label := str(o.value, "metadata", "labels", waypointLabel); label == "" || label == "none" {
			continue
		}
		if p.egressWaypoint(o) == nil {
			o.report(p, ruleIstio, fieldPath{"metadata", "labels", waypointLabel}, "there is no such waypoint in namespace %s: connections would go there straight", o.namespace)
		}
		addresses := strs(o.value, "spec", "addresses")
		if str(o.value, "spec", "resolution") != "STATIC" || !slices.Equal(addresses, addressesOf(o)) || len(addresses) != 1 {
			o.report(p, ruleIstio, fieldPath{"spec", "addresses"}, "what is meant for an address does not end there")
		}
		for _, a := range addresses {
			if first := known[a]; first != nil {
				o.report(p, ruleIstio, fieldPath{"spec", "addresses"}, "%s has %s too: ztunnel takes one of them, whatever the port", first, a)
			}
			known[a] = o
		}
		for i, x := range list(o.value, "spec", "ports") {
			if protocol := str(x, "protocol"); protocol != "TCP" {
				o.report(p, ruleIstio, fieldPath{"spec", "ports"}.at(i), "%s: the waypoint would look into it", protocol)
			}
		}
		if !slices.ContainsFunc(p.objects, func(a *object) bool { return a.admitsTo(o) }) {
			o.report(p, ruleIstio, nil, "no AuthorizationPolicy says who may go there")
		}
	}
}

// admitsTo reports whether a policy names callers of an entry, and nobody without a name.
func (o *object) admitsTo(entry *object) bool {
	if !o.is("security.istio.io", "AuthorizationPolicy") || o.namespace != entry.namespace || str(o.value, "spec", "action") != "ALLOW" ||
		!slices.ContainsFunc(list(o.value, "spec", "targetRefs"), func(r any) bool { return str(r, "kind") == "ServiceEntry" && str(r, "name") == entry.name }) {
		return false
	}
	for _, r := range list(o.value, "spec", "rules") {
		from := list(r, "from")
		if len(from) == 0 || slices.ContainsFunc(from, func(f any) bool { return len(strs(f, "source", "principals")) == 0 }) {
			return false
		}
	}
	return len(list(o.value, "spec", "rules")) > 0
}
