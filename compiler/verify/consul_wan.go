package verify

import (
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Sites that are datacenters of one federation, and no peers: hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml
// global.federation, control-plane/controllers/configentries/configentry_controller.go; 2026-11-21.

// consulIsWAN reports whether the chart makes the site a datacenter of a federation.
func consulIsWAN(v *values) bool {
	return v != nil && get(v.value, "global", "federation", "enabled") == true
}

// consulIsSecondary reports whether another datacenter of the federation is the primary.
func consulIsSecondary(v *values) bool {
	return consulIsWAN(v) && str(v.value, "global", "federation", "primaryDatacenter") != ""
}

// consulKeysOf are the keys that a chart of such values takes from Secrets: a secondary has no first token of its own.
func consulKeysOf(v *values) [][]string {
	if !consulIsSecondary(v) {
		return consulKeys
	}
	out := slices.Clone(consulKeys)
	out[slices.IndexFunc(out, func(at []string) bool { return at[len(at)-1] == "bootstrapToken" })] = []string{"global", "acls", "replicationToken"}
	return out
}

// consulLocated returns the services of this datacenter that a ServiceResolver of theirs lets others find.
func (p *pass) consulLocated() map[string]bool {
	v, _ := p.consulValues()
	out := map[string]bool{}
	for _, o := range p.objects {
		if consulIsWAN(v) && o.is(consulGroup, "ServiceResolver") && str(o.value, "spec", "redirect", "datacenter") == str(v.value, "global", "datacenter") {
			out[o.name] = true
		}
	}
	return out
}

// consulOwns is the annotation by which an entry that another datacenter has written alike becomes this one's.
const consulOwns = consulGroup + "/migrate-entry"

// checkDatacenter holds what makes the site a datacenter: what the chart needs as primary or as secondary; what holds for
// all of them, from one site alone; and where services are found.
func (p *pass) checkDatacenter(v *values, namespace string) {
	at := func(keys ...string) fieldPath { return fieldPathOf(append([]string{"global"}, keys...)) }
	if get(v.value, "meshGateway", "enabled") != true || get(v.value, "global", "peering", "enabled") == true || str(v.value, "global", "datacenter") != p.releases.Site {
		v.report(p, ruleConsul, at("federation"), "datacenters are called as their sites, reach each other through mesh gateways, and are no peers")
	}
	secondary := consulIsSecondary(v)
	if (get(v.value, "global", "acls", "createReplicationToken") == true) == secondary {
		v.report(p, ruleConsul, at("acls", "createReplicationToken"), "the primary makes the token by which the others copy its access lists, and nobody else")
	}
	if str(v.value, "global", "acls", "bootstrapToken", "secretName") != "" && secondary || str(v.value, "global", "acls", "replicationToken", "secretName") != "" && !secondary {
		v.report(p, ruleConsul, at("acls"), "the primary has the first token, and the others that of the replication")
	}
	if secondary {
		p.checkSecondary(v)
	}
	p.checkForAll(secondary)
	services := map[string]bool{}
	for _, o := range p.objects {
		if o.is(consulGroup, "ServiceDefaults") {
			services[o.namespace+"/"+o.name] = true
		}
	}
	for _, o := range p.objects {
		if !o.is(consulGroup, "ServiceResolver") {
			continue
		}
		to := fieldPath{"spec", "redirect"}
		if !reflect.DeepEqual(slices.Collect(maps.Keys(dict(o.value, "spec", "redirect"))), []string{"datacenter"}) || len(dict(o.value, "spec")) != 1 {
			o.report(p, ruleConsul, to, "it says more than the datacenter: the same object of another site would be refused")
		}
		owns := str(o.value, "metadata", "annotations", consulOwns) == "true"
		if dc := str(o.value, "spec", "redirect", "datacenter"); dc == p.releases.Site {
			if !services[o.namespace+"/"+o.name] || !owns {
				o.report(p, ruleConsul, to.to("datacenter"), "it is no service of this datacenter, in whose namespace it must be, or another one may take it back")
			}
		} else if s := p.find("", "Service", namespace, o.name); p.releases.Peers[dc] == "" || owns || o.namespace != namespace ||
			s == nil || len(dict(s.value, "spec", "selector")) > 0 || str(s.value, "spec", "clusterIP") != "" {
			o.report(p, ruleConsul, to.to("datacenter"), "%q is no other site, or there is no Service of its name and namespace, without pods, whose address Consul takes", dc)
		}
	}
	p.checkMeshGateway(v)
}

// checkSecondary checks how a secondary finds the primary, and the primary whoever logs in.
func (p *pass) checkSecondary(v *values) {
	at := fieldPathOf([]string{"global", "federation"})
	if p.releases.Peers[str(v.value, "global", "federation", "primaryDatacenter")] == "" {
		v.report(p, ruleConsul, at.to("primaryDatacenter"), "it is no other site")
	}
	gateways := list(v.value, "global", "federation", "primaryGateways")
	for i, g := range gateways {
		if a, err := netip.ParseAddrPort(asText(g)); err != nil || asText(a.Port()) != asText(get(v.value, "meshGateway", "containerPort")) {
			v.report(p, ruleConsul, at.to("primaryGateways").at(i), "it is no address and port of a mesh gateway")
		}
	}
	if len(gateways) == 0 {
		v.report(p, ruleConsul, at.to("primaryGateways"), "before mesh gateways run here the servers find the primary by nothing else")
	}
	u, err := url.Parse(str(v.value, "global", "federation", "k8sAuthMethodHost"))
	if err != nil || u.Scheme != "https" || u.Port() == "" {
		v.report(p, ruleConsul, at.to("k8sAuthMethodHost"), "the primary cannot ask this cluster who logs in: gateways and injector here do not start")
	}
}

// checkForAll checks what is one for all datacenters.
func (p *pass) checkForAll(secondary bool) {
	mode, mesh, denies := "", false, false
	for _, o := range p.objects {
		switch {
		case o.is(consulGroup, "ProxyDefaults"), o.is(consulGroup, "Mesh"):
			if secondary {
				o.report(p, ruleConsul, nil, "there is one for all datacenters, and the primary has it")
			}
			mesh = mesh || o.kind == "Mesh"
			if o.kind == "ProxyDefaults" {
				mode = str(o.value, "spec", "meshGateway", "mode")
			}
		case o.is(consulGroup, "ServiceIntentions") && str(o.value, "spec", "destination", "name") == "*":
			denies = true
			if (str(o.value, "metadata", "annotations", consulOwns) == "true") == secondary {
				o.report(p, ruleConsul, fieldPath{"metadata", "annotations"}, "it is every datacenter's, and the primary owns it")
			}
		}
	}
	if !secondary && (mode != "remote" || !mesh || !denies) {
		p.missing(ruleConsul, "ProxyDefaults with meshGateway.mode remote, Mesh, and the intention that refuses: the primary has them for all datacenters")
	}
}

// checkConsulOpen: where any source is any of all datacenters, an intention that is lifted names the services of this one,
// and keeps what it says of others.
func (p *pass) checkConsulOpen(o *object, sources []any) {
	here := map[string]bool{}
	outside := p.consulDestinations()
	for _, s := range p.objects {
		if s.is(consulGroup, "ServiceDefaults") && s.name != o.name && !outside[s.name] {
			here[s.name] = true
		}
	}
	var away, was []any
	for _, s := range sources {
		name := str(s, "name")
		if !here[name] {
			away = append(away, s)
			continue
		}
		if str(s, "action") != "allow" {
			o.report(p, ruleStaged, fieldPath{"spec", "sources"}, "%s is not admitted", name)
		}
		delete(here, name)
	}
	if len(here) > 0 {
		o.report(p, ruleStaged, fieldPath{"spec", "sources"}, "it does not admit %s", strings.Join(slices.Sorted(maps.Keys(here)), ", "))
	}
	names := map[string]bool{}
	for _, s := range p.objects {
		names[s.name] = names[s.name] || s.is(consulGroup, "ServiceDefaults")
	}
	for _, x := range p.objects {
		if x.is(consulGroup, "ServiceIntentions") && x.String() == o.String() {
			was = slices.DeleteFunc(slices.Clone(list(x.value, "spec", "sources")), func(s any) bool { return names[str(s, "name")] })
		}
	}
	if !reflect.DeepEqual(was, away) && len(was)+len(away) > 0 {
		o.report(p, ruleStaged, fieldPath{"spec", "sources"}, "callers of other sites are not those of the site's own")
	}
}
