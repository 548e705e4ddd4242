package verify

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// consulAliases returns the services that a ServiceResolver leads to another site, by their name here.
func (p *pass) consulAliases() map[string]bool {
	out := map[string]bool{}
	for _, o := range p.objects {
		if o.is(consulGroup, "ServiceResolver") && str(o.value, "spec", "redirect", "peer") != "" {
			out[o.name] = true
		}
	}
	return out
}

// consulTokens are the Secrets that dialers read, and that another site makes.
func (p *pass) consulTokens() []SecretRef {
	var out []SecretRef
	for _, o := range p.objects {
		if o.is(consulGroup, "PeeringDialer") {
			out = append(out, SecretRef{Namespace: o.namespace, Name: str(o.value, "spec", "peer", "secret", "name"), Keys: []string{str(o.value, "spec", "peer", "secret", "key")},
				By: o.String(), Late: true})
		}
	}
	return out
}

// checkPeering holds what makes peers of sites together: the values that the chart fails without, one end of a peering for
// each peer, and an address for each name of a service there.
func (p *pass) checkPeering(v *values, namespace string) {
	peers := slices.Sorted(maps.Keys(p.releases.Peers))
	if on := get(v.value, "global", "peering", "enabled") == true; on != (len(peers) > 0) || on && get(v.value, "meshGateway", "enabled") != true {
		v.report(p, ruleConsul, fieldPathOf([]string{"global", "peering", "enabled"}), "it takes peers and a mesh gateway, and the peers are %q", strings.Join(peers, ", "))
	}
	var ends []string
	through, services := false, map[string]*object{}
	decides := "" // the folder of what the addresses in a token follow from
	for _, o := range p.objects {
		switch {
		case o.is("", "Service") && o.namespace == namespace:
			services[o.name] = o
		case o.is(consulGroup, "Mesh"):
			through = get(o.value, "spec", "peering", "peerThroughMeshGateways") == true
			decides = path.Dir(o.file.Path())
		}
	}
	for _, o := range p.objects {
		switch {
		case o.is(consulGroup, "PeeringAcceptor"), o.is(consulGroup, "PeeringDialer"):
			ends = append(ends, o.name)
			if decides >= path.Dir(o.file.Path()) {
				o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "a token is made before Mesh says by which addresses servers are reached, and never again")
			}
			// Of two sites one makes the token: with both it would never be brought.
			if accepts := o.kind == "PeeringAcceptor"; accepts != (p.releases.Site < o.name) {
				o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "of two sites the first by name makes the token")
			}
		case o.is(consulGroup, "ServiceResolver"):
			if peer := str(o.value, "spec", "redirect", "peer"); p.releases.Peers[peer] == "" {
				o.report(p, ruleConsul, fieldPath{"spec", "redirect", "peer"}, "%q is no peer", peer)
			}
			if s := services[o.name]; s == nil || len(dict(s.value, "spec", "selector")) > 0 || str(s.value, "spec", "clusterIP") != "" || o.namespace != namespace {
				o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "Consul takes the address of a Service of its name and namespace, which has no pods")
			}
		case o.is(consulGroup, "ExportedServices"):
			p.checkExported(o)
		}
	}
	slices.Sort(ends)
	if !slices.Equal(ends, peers) {
		p.missing(ruleConsul, "each peer has one end of a peering here: %s", strings.Join(peers, ", "))
	}
	if len(peers) > 0 {
		if !through {
			p.missing(ruleConsul, "no Mesh says that servers reach each other by way of the mesh gateways")
		}
		p.checkMeshGateway(v)
	}
}

// checkExported checks the list of what peers may know. There is one, and it is called default.
func (p *pass) checkExported(o *object) {
	if o.name != "default" {
		o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "the servers take one called default")
	}
	for i, s := range list(o.value, "spec", "services") {
		at := fieldPath{"spec", "services"}.at(i)
		for _, c := range list(s, "consumers") {
			if p.releases.Peers[str(c, "peer")] == "" {
				o.report(p, ruleConsul, at.to("consumers"), "%q is no peer", str(c, "peer"))
			}
		}
		there := slices.ContainsFunc(p.objects, func(d *object) bool { return d.is(consulGroup, "ServiceDefaults") && d.name == str(s, "name") })
		if !there || len(list(s, "consumers")) == 0 {
			o.report(p, ruleConsul, at, "there is no service %q, or nobody consumes it", str(s, "name"))
		}
	}
}

// checkMeshGateway checks the texts among the values that become part of objects.
func (p *pass) checkMeshGateway(v *values) {
	at := func(keys ...string) fieldPath { return fieldPathOf(append([]string{"meshGateway"}, keys...)) }
	port := asText(get(v.value, "meshGateway", "containerPort"))
	for _, keys := range [][]string{{"service", "port"}, {"wanAddress", "port"}} {
		if asText(get(v.value, append([]string{"meshGateway"}, keys...)...)) != port {
			v.report(p, ruleConsul, at(keys...), "peers and filters know one port, %s", port)
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1024 {
		v.report(p, ruleConsul, at("containerPort"), "pods may not bind %s", port)
	}
	static := str(v.value, "meshGateway", "wanAddress", "static")
	if static == "" || str(v.value, "meshGateway", "wanAddress", "source") != "Static" {
		v.report(p, ruleConsul, at("wanAddress"), "peers are told an address, and it is declared")
	}
	if notes := str(v.value, "meshGateway", "service", "annotations"); !strings.Contains(notes, `"`+static+`"`) && !strings.Contains(notes, static+",") {
		v.report(p, ruleConsul, at("service", "annotations"), "the Service does not ask for %s", static)
	}
	for _, keys := range [][]string{{"service", "additionalSpec"}, {"affinity"}, {"topologySpreadConstraints"}, {"tolerations"}, {"service", "annotations"}} {
		text := str(v.value, append([]string{"meshGateway"}, keys...)...)
		if text == "" {
			continue
		}
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			v.report(p, ruleConsul, at(keys...), "the text is no YAML: %v", err)
		}
	}
}

// meshGatewayNotes are the annotations of the mesh gateway's Service, which the chart takes as a text; nil where there is none.
func (p *pass) meshGatewayNotes() any {
	v, _ := p.consulValues()
	if v == nil {
		return nil
	}
	var notes any
	if yaml.Unmarshal([]byte(str(v.value, "meshGateway", "service", "annotations")), &notes) != nil {
		return nil // checkMeshGateway says so
	}
	return notes
}
