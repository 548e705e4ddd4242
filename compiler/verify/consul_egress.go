package verify

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// consulOutside returns what a terminating gateway may stand for: destinations outside by the ServiceDefaults that say where
// they are.
func (p *pass) consulOutside() map[string]*object {
	out := map[string]*object{}
	for _, o := range p.objects {
		if o.is(consulGroup, "ServiceDefaults") && get(o.value, "spec", "destination") != nil {
			out[o.name] = o
		}
		if o.is(consulGroup, "Registration") {
			out[str(o.value, "spec", "service", "name")] = o
		}
	}
	return out
}

// consulDestinations returns the names of what is outside by its address. Its intentions are never lifted: a proxy that knows
// it looks for its port outside alone.
func (p *pass) consulDestinations() map[string]bool {
	out := map[string]bool{}
	for name, o := range p.consulOutside() {
		if o.kind == "ServiceDefaults" {
			out[name] = true
		}
	}
	return out
}

// checkTerminating holds together what leads out of the mesh: pods of the chart, the entry that says what they stand for,
// and what each of these is.
func (p *pass) checkTerminating(v *values, namespace string) {
	pods, entries, own := map[string]int{}, map[string]bool{}, ""
	if consulIsWAN(v) {
		own = "-" + str(v.value, "global", "datacenter")
	}
	for i, g := range list(v.value, "terminatingGateways", "gateways") {
		at := fieldPath{"terminatingGateways", "gateways"}.at(i)
		name := str(g, "name")
		if _, twice := pods[name]; twice || name == "" {
			v.report(p, ruleConsul, at.to("name"), "the chart takes a name, and no name twice")
		}
		pods[name] = i
		for _, key := range []string{"topologySpreadConstraints", "tolerations", "nodeSelector"} {
			var doc any
			if text := str(g, key); yaml.Unmarshal([]byte(text), &doc) != nil {
				v.report(p, ruleConsul, at.to(key), "the text is no YAML")
			}
		}
		// The labels are those of the chart's template.
		if spread := str(g, "topologySpreadConstraints"); spread != "" && strings.Count(spread, "terminating-gateway-name: consul-"+name+"\n") != strings.Count(spread, "topologyKey:") {
			v.report(p, ruleConsul, at.to("topologySpreadConstraints"), "pods of %s are not what it counts", name)
		}
	}
	if consulIsSecondary(v) && len(pods) > 0 {
		v.report(p, ruleConsul, fieldPathOf([]string{"terminatingGateways", "gateways"}), "pods of the chart log in to a role of a secondary that never stands for anything")
	}
	on := slices.ContainsFunc(p.objects, func(o *object) bool { return o.is(consulGroup, "TerminatingGateway") })
	if said := get(v.value, "terminatingGateways", "enabled") == true; said != (on || len(pods) > 0) {
		v.report(p, ruleConsul, fieldPathOf([]string{"terminatingGateways", "enabled"}), "it goes with gateways: the controller reads what the chart is told of them")
	}
	if get(v.value, "terminatingGateways", "gateways") == nil && on {
		v.report(p, ruleConsul, fieldPathOf([]string{"terminatingGateways", "gateways"}), "the chart has one by default")
	}
	outside, led, closed := p.consulOutside(), map[string]string{}, consulIsSecondary(v) // where the primary has Mesh
	for _, o := range p.objects {
		if o.is(consulGroup, "Mesh") {
			closed = get(o.value, "spec", "transparentProxy", "meshDestinationsOnly") == true
		}
		if !o.is(consulGroup, "TerminatingGateway") {
			continue
		}
		for other := range entries {
			// The controller finds a role by the end of its name.
			if strings.HasSuffix(other, o.name) || strings.HasSuffix(o.name, other) {
				o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "the controller takes the role of %q for that of %q", other, o.name)
			}
		}
		entries[o.name] = true
		if !strings.HasSuffix(o.name, own) {
			o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "another datacenter may have the same: the name does not end in %s", own)
		}
		if _, there := pods[o.name]; there == consulMakes(o) || o.namespace != namespace {
			o.report(p, ruleConsul, fieldPath{"spec", "deployment"}, "chart and controller both make the pods of terminating gateway %s/%s, or neither", o.namespace, o.name)
		}
		if consulMakes(o) {
			p.checkWayPods(o)
		}
		for i, s := range list(o.value, "spec", "services") {
			at, name := fieldPath{"spec", "services"}.at(i).to("name"), str(s, "name")
			switch {
			case outside[name] == nil:
				o.report(p, ruleConsul, at, "nothing outside is called %q: it would stand for whoever takes the name", name)
			case led[name] != "":
				o.report(p, ruleConsul, at, "%q is led to by %s too", name, led[name])
			}
			led[name] = o.name
		}
	}
	p.checkRegistrations()
	for _, name := range sortedKeys(pods) {
		if !entries[name] {
			v.report(p, ruleConsul, fieldPath{"terminatingGateways", "gateways"}.at(pods[name]), "no TerminatingGateway %s says what it stands for", name)
		}
	}
	for _, name := range sortedKeys(outside) {
		o := outside[name]
		if led[name] == "" {
			o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "no TerminatingGateway leads there: proxies that know it find nobody")
		}
		if o.kind == "Registration" {
			continue
		}
		if !strings.HasSuffix(name, own) {
			o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "another datacenter may have the same: the name does not end in %s", own)
		}
		if !closed {
			o.report(p, ruleConsul, fieldPath{"spec", "destination"}, "whom no intention admits goes there by himself, as long as Mesh lets out what is no service")
		}
		p.checkDestination(o)
		p.checkClosed(name)
	}
}

// consulMakes reports whether the controller makes the pods of a terminating gateway. It does so from consul-k8s 2.0 on.
func consulMakes(o *object) bool {
	return o.is(consulGroup, "TerminatingGateway") && get(o.value, "spec", "deployment", "enabledDeployment") == true
}

// checkWayPods checks the pods that the controller makes: how many there are, and that those are counted that it labels so.
func (p *pass) checkWayPods(o *object) {
	at := fieldPath{"spec", "deployment"}
	if n, ok := integer(o.value, "spec", "deployment", "replicas"); !ok || n < 1 {
		o.report(p, ruleConsul, at.to("replicas"), "no pods")
	}
	for i, c := range list(o.value, "spec", "deployment", "topologySpreadConstraints") {
		if str(c, "labelSelector", "matchLabels", "terminating-gateway-name") != "consul-"+o.name {
			o.report(p, ruleConsul, at.to("topologySpreadConstraints").at(i), "pods of %s are not what it counts", o.name)
		}
	}
}

// checkDestination checks where something outside is: by names in what carries them, by addresses in a stream.
func (p *pass) checkDestination(o *object) {
	at := fieldPath{"spec", "destination"}
	if n, ok := integer(get(o.value, "spec", "destination"), "port"); !ok || n < 1 || n > 65535 {
		o.report(p, ruleConsul, at.to("port"), "no port")
	}
	addresses := list(o.value, "spec", "destination", "addresses")
	if len(addresses) == 0 {
		o.report(p, ruleConsul, at.to("addresses"), "the webhook refuses a destination that is nowhere")
	}
	seen := map[string]bool{}
	for i, a := range addresses {
		text, _ := a.(string)
		if _, err := netip.ParseAddr(text); err != nil && (strings.ContainsAny(text, "*/: ") || !strings.Contains(text, ".")) || seen[text] {
			o.report(p, ruleConsul, at.to("addresses").at(i), "%q is no address and no whole name, or stands twice", text)
		}
		seen[text] = true
	}
}

// checkRegistrations checks the machines in the catalog: each is a node, of a service that speaks something and whose name
// leads to an address that nobody else is behind.
func (p *pass) checkRegistrations() {
	nodes := map[string]bool{}
	for _, o := range p.objects {
		if !o.is(consulGroup, "Registration") {
			continue
		}
		spec := dict(o.value, "spec")
		service := dict(spec, "service")
		if node := str(spec, "node"); node == "" || nodes[node] || str(service, "id") == "" {
			o.report(p, ruleConsul, fieldPath{"spec", "node"}, "a machine is a node of its own, with an instance of the service")
		}
		nodes[str(spec, "node")] = true
		if _, err := netip.ParseAddr(str(spec, "address")); err != nil || str(service, "address") != str(spec, "address") {
			o.report(p, ruleConsul, fieldPath{"spec", "address"}, "node and service have the address of the machine")
		}
		if n, ok := integer(service, "port"); !ok || n < 1 || n > 65535 {
			o.report(p, ruleConsul, fieldPath{"spec", "service", "port"}, "no port")
		}
		if get(spec, "check") != nil {
			o.report(p, ruleConsul, fieldPath{"spec", "check"}, "nobody carries it out: its status would stay as it is written")
		}
		name, defaults, address := str(service, "name"), "", false
		for _, d := range p.objects {
			if d.is(consulGroup, "ServiceDefaults") && d.name == name {
				defaults = d.namespace
			}
		}
		for _, s := range p.objects {
			address = address || s.is("", "Service") && s.namespace == defaults && s.name == name && !has(get(s.value, "spec"), "selector") && str(s.value, "spec", "clusterIP") != "None"
		}
		if !address {
			o.report(p, ruleConsul, fieldPath{"spec", "service", "name"}, "no ServiceDefaults and Service %q of one namespace: proxies have no address to know it by", name)
		}
	}
}

// checkClosed looks for the source that refuses whom a destination's intentions do not name.
func (p *pass) checkClosed(name string) {
	for _, o := range p.objects {
		if !o.is(consulGroup, "ServiceIntentions") || o.name != name {
			continue
		}
		sources := list(o.value, "spec", "sources")
		if last := len(sources) - 1; last < 0 || str(sources[last], "name") != "*" || str(sources[last], "action") != "deny" {
			o.report(p, ruleConsul, fieldPath{"spec", "sources"}, "the last does not refuse all others")
		}
	}
}
