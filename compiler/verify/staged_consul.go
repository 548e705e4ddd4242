package verify

import (
	"reflect"
	"slices"
)

// consulRefuses reports whether an object of the site's own makes Consul refuse callers.
func (p *pass) consulRefuses(o *object) bool {
	if v, _ := p.consulValues(); consulIsWAN(v) && str(o.value, "spec", "destination", "name") == "*" {
		return false // it is one for all datacenters
	}
	return o.is(consulGroup, "ProxyDefaults") || o.is(consulGroup, "Mesh") || o.is(consulGroup, "ServiceDefaults") && str(o.value, "spec", "mutualTLSMode") == "strict" ||
		o.is(consulGroup, "ServiceIntentions") && !p.consulAliases()[o.name] && !p.consulDestinations()[o.name]
}

// checkConsulGlass: an intention that is lifted admits everybody, and keeps what it says of other sites. Where proxies go,
// the network admits pods at their own ports on both ends, before it is too late.
func (p *pass) checkConsulGlass(open, out []*object) {
	for _, o := range open {
		if !o.is(consulGroup, "ServiceIntentions") {
			continue
		}
		sources := list(o.value, "spec", "sources")
		if v, _ := p.consulValues(); consulIsWAN(v) {
			p.checkConsulOpen(o, sources)
			continue
		}
		last := len(sources) - 1
		if last < 0 || str(sources[last], "name") != "*" || str(sources[last], "action") != "allow" || str(sources[last], "peer") != "" {
			o.report(p, ruleStaged, fieldPath{"spec", "sources"}, "the last does not admit everybody")
			continue
		}
		for _, was := range p.objects {
			if !was.is(consulGroup, "ServiceIntentions") || was.String() != o.String() {
				continue
			}
			peers := slices.DeleteFunc(slices.Clone(list(was.value, "spec", "sources")), func(s any) bool { return str(s, "peer") == "" })
			if !reflect.DeepEqual(peers, sources[:last:last]) && len(peers)+last > 0 {
				o.report(p, ruleStaged, fieldPath{"spec", "sources"}, "callers of other sites are not those of the site's own")
			}
		}
	}
	leaves := map[string]bool{}
	for _, o := range out {
		leaves[o.name] = p.isConsul()
	}
	for _, was := range p.objects {
		if !was.is("networking.k8s.io", "NetworkPolicy") {
			continue
		}
		for _, way := range [][2]string{{"egress", "to"}, {"ingress", "from"}} {
			for _, r := range list(was.value, "spec", way[0]) {
				for _, peer := range list(r, way[1]) {
					caller := was.namespace
					if way[0] == "ingress" {
						caller = str(peer, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")
					}
					if leaves[caller] && hasPort(r, consulInbound) && !slices.ContainsFunc(open, func(o *object) bool { return plainFor(o, was, way, peer) }) {
						was.report(p, ruleStaged, fieldPath{"spec", way[0]}, "no policy of break-glass/open admits pods of %s without proxies", caller)
					}
				}
			}
		}
	}
}

// consulInbound is the port at which proxies take connections of the mesh (hashicorp/consul-k8s v2.0.3,
// control-plane/connect-inject/constants ProxyDefaultInboundPort).
const consulInbound = 20000

// isConsul reports whether the chart of Consul is in the tree.
func (p *pass) isConsul() bool {
	v, _ := p.consulValues()
	return v != nil
}

func hasPort(rule any, port int64) bool {
	return slices.ContainsFunc(list(rule, "ports"), func(x any) bool {
		n, _ := integer(x, "port")
		return n == port
	})
}

// plainFor reports whether a staged policy is for the pods of one of the site's own, and admits the same peer at ports of
// its own.
func plainFor(o, was *object, way [2]string, peer any) bool {
	if !o.is("networking.k8s.io", "NetworkPolicy") || o.namespace != was.namespace ||
		!reflect.DeepEqual(get(o.value, "spec", "podSelector"), get(was.value, "spec", "podSelector")) {
		return false
	}
	return slices.ContainsFunc(list(o.value, "spec", way[0]), func(r any) bool {
		return len(list(r, "ports")) > 0 && !hasPort(r, consulInbound) &&
			slices.ContainsFunc(list(r, way[1]), func(x any) bool { return reflect.DeepEqual(x, peer) })
	})
}

// checkConsulStage: a stage says the mode of every service of its namespace and nothing else of it; where plain text is
// taken, the servers allow it.
func (p *pass) checkConsulStage(namespace, stage string, objects []*object) {
	mode := "permissive"
	if stage == "strict" {
		mode = stage
	}
	at := []string{"spec", "mutualTLSMode"}
	v, _ := p.consulValues()
	said, allowed := map[string]bool{}, stage == "strict" || consulIsSecondary(v) // there the primary says it, for all
	for _, o := range objects {
		i := slices.IndexFunc(p.objects, func(x *object) bool { return x.group == o.group && x.String() == o.String() })
		switch {
		case o.is(consulGroup, "Mesh"):
			allow := []string{"spec", "allowEnablingPermissiveMutualTLS"}
			allowed = allowed || get(o.value, allow...) == true
			if i < 0 || consulIsSecondary(v) || !reflect.DeepEqual(less(o.value, allow), less(p.objects[i].value, allow)) {
				o.report(p, ruleStaged, nil, "it differs from the site's own in more than %s", fieldPath(allow))
			}
		case !o.is(consulGroup, "ServiceDefaults") || o.namespace != namespace || i < 0:
			o.report(p, ruleStaged, nil, "it is no service of namespace %s", namespace)
		case str(o.value, at...) != mode:
			o.report(p, ruleStaged, at, "it is not %s", mode)
		case !reflect.DeepEqual(less(o.value, at), less(p.objects[i].value, at)):
			o.report(p, ruleStaged, nil, "it differs from the site's own in more than %s", fieldPath(at))
		default:
			said[o.name] = true
		}
	}
	machines := map[string]bool{} // they have no proxy that would take one mode or the other
	for _, o := range p.objects {
		if o.is(consulGroup, "Registration") {
			machines[str(o.value, "spec", "service", "name")] = true
		}
	}
	for _, o := range p.objects {
		if o.is(consulGroup, "ServiceDefaults") && o.namespace == namespace && !said[o.name] && !machines[o.name] {
			p.missing(ruleStaged, "migration/%s/%s says no mode of %s", namespace, stage, o.name)
		}
	}
	if !allowed {
		p.missing(ruleStaged, "migration/%s/%s is permissive, and the servers do not allow it", namespace, stage)
	}
}
