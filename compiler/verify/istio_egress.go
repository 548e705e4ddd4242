package verify

import (
	"slices"
	"strings"
)

// checkSubsets follows each connection that a DestinationRule gives a name: one server takes the name, one route of it leads
// to one host, and that is the address of one entry.
func (p *pass) checkSubsets(o *object) {
	for i, s := range list(o.value, "spec", "subsets") {
		at := fieldPath{"spec", "subsets"}.at(i)
		name := str(s, "trafficPolicy", "tls", "sni")
		if str(s, "trafficPolicy", "tls", "mode") != "ISTIO_MUTUAL" || name == "" {
			o.report(p, ruleReference, at, "no connection of the mesh with a name of its own")
			continue
		}
		gateway, port := p.answering(name)
		if gateway == nil {
			o.report(p, ruleReference, at.to("trafficPolicy", "tls", "sni"), "no server of a Gateway, or several, take %q", name)
			continue
		}
		routes := p.routesOf(gateway, name, port)
		if len(routes) != 1 {
			o.report(p, ruleReference, at.to("trafficPolicy", "tls", "sni"), "%d routes of %s take %q", len(routes), gateway, name)
			continue
		}
		if e := p.entry(gateway.namespace, str(routes[0], "destination", "host"), get(routes[0], "destination", "port", "number")); e == nil {
			o.report(p, ruleReference, at, "%s leads it to %q, which no ServiceEntry of namespace %s has", gateway, str(routes[0], "destination", "host"), gateway.namespace)
		}
	}
}

// answering finds the one Gateway with a server of the mesh's own TLS for a name, and the server's port.
func (p *pass) answering(name string) (found *object, port any) {
	for _, g := range p.objects {
		if !g.is("networking.istio.io", "Gateway") {
			continue
		}
		for _, s := range list(g.value, "spec", "servers") {
			if str(s, "tls", "mode") != "ISTIO_MUTUAL" || !slices.ContainsFunc(strs(s, "hosts"), func(h string) bool { return strings.TrimPrefix(h, "./") == name }) {
				continue
			}
			if found != nil {
				return nil, nil
			}
			found, port = g, get(s, "port", "number")
		}
	}
	return found, port
}

// routesOf lists the ends of the routes of connections that a Gateway has for a name and port.
func (p *pass) routesOf(gateway *object, name string, port any) []any {
	var out []any
	for _, v := range p.objects {
		if !v.is("networking.istio.io", "VirtualService") || v.namespace != gateway.namespace || !slices.Contains(strs(v.value, "spec", "gateways"), gateway.name) ||
			!slices.Contains(strs(v.value, "spec", "hosts"), name) {
			continue
		}
		for _, r := range list(v.value, "spec", "tcp") {
			if slices.ContainsFunc(list(r, "match"), func(m any) bool { return get(m, "port") == port }) {
				out = append(out, list(r, "route")...)
			}
		}
	}
	return out
}

// entry finds the ServiceEntry of a namespace for a host and port.
func (p *pass) entry(namespace, host string, port any) *object {
	for _, e := range p.objects {
		if e.is("networking.istio.io", "ServiceEntry") && e.namespace == namespace && slices.Contains(strs(e.value, "spec", "hosts"), host) &&
			slices.ContainsFunc(list(e.value, "spec", "ports"), func(x any) bool { return get(x, "number") == port }) {
			return e
		}
	}
	return nil
}

// checkSubsetRoutes: a route to a subset names one of a DestinationRule, and what it takes for an address ends at that
// address.
func (p *pass) checkSubsetRoutes(o *object) {
	for i, r := range list(o.value, "spec", "tcp") {
		for k, d := range list(r, "route") {
			subset := str(d, "destination", "subset")
			if subset == "" {
				continue
			}
			at := fieldPath{"spec", "tcp"}.at(i).to("route").at(k)
			sni := p.subsetName(str(d, "destination", "host"), subset)
			gateway, port := p.answering(sni)
			if sni == "" || gateway == nil {
				o.report(p, ruleReference, at, "no DestinationRule of %q has subset %q, or nobody takes its name", str(d, "destination", "host"), subset)
				continue
			}
			for _, end := range p.routesOf(gateway, sni, port) {
				host := str(end, "destination", "host")
				there := p.entry(gateway.namespace, host, get(end, "destination", "port", "number"))
				for _, m := range list(r, "match") {
					here := p.entry(o.namespace, host, get(m, "port"))
					if get(m, "port") != get(end, "destination", "port", "number") || here == nil || there == nil ||
						!slices.Equal(strs(here.value, "spec", "addresses"), addressesOf(there)) || !slices.Contains(strs(o.value, "spec", "hosts"), host) {
						o.report(p, ruleReference, at, "what is sent to these hosts ends at %q, port %v of %s, which is another address or port", host, get(end, "destination", "port", "number"), gateway)
					}
				}
			}
		}
	}
}

// subsetName is the name that connections to a subset of a host show.
func (p *pass) subsetName(host, subset string) string {
	for _, d := range p.objects {
		if !d.is("networking.istio.io", "DestinationRule") || str(d.value, "spec", "host") != host {
			continue
		}
		for _, s := range list(d.value, "spec", "subsets") {
			if str(s, "name") == subset {
				return str(s, "trafficPolicy", "tls", "sni")
			}
		}
	}
	return ""
}

// addressesOf are those of the endpoints of a ServiceEntry.
func addressesOf(e *object) []string {
	var out []string
	for _, x := range list(e.value, "spec", "endpoints") {
		out = append(out, str(x, "address"))
	}
	return out
}
