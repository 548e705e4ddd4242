package rules

import (
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// GatewayNoListeners finds a gateway without a port.
var GatewayNoListeners = &check.Rule{
	ID: "MG6111", Name: "gateway-no-listeners", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway of purpose ingress has no listeners

A Service without ports is refused by the API server, and a Gateway without listeners too: the whole apply stops there.
Source: Kubernetes API reference, ServiceSpec.ports; Gateway API, Gateway.spec.listeners.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for s := range services(p.Site) {
			for _, e := range s.Expose {
				used[e.Gateway] = true
			}
		}
		for n, g := range byKey(p.Site.Gateways) {
			// A service on such a gateway cannot be served, and is told so.
			if g.Purpose == "ingress" && len(g.Listeners) == 0 && !used[n] {
				p.Reportf(site.Join("gateways", n), "gateway %q has no listeners", n).
					Hintf("listeners: https: {port: 443, protocol: \"https\", tls: …}")
			}
		}
	},
}

// exposedOn collects, for each gateway, the listeners that services name and whether one leaves the choice open.
func exposedOn(s *site.Site) (named map[[2]string]bool, open map[string]bool) {
	named, open = map[[2]string]bool{}, map[string]bool{}
	for svc := range services(s) {
		for _, e := range svc.Expose {
			named[[2]string{e.Gateway, e.Listener}] = true
			open[e.Gateway] = open[e.Gateway] || e.Listener == ""
		}
	}
	return named, open
}

// GatewayUnused finds a gateway that leads nowhere.
var GatewayUnused = &check.Rule{
	ID: "MG6112", Name: "gateway-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `no service is exposed on a gateway

It takes an address, pods and a place in the announcements, and answers everybody with 404: mostly a service's expose
names another gateway than was meant.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for s := range services(p.Site) {
			for _, e := range s.Expose {
				if p.Site.Gateways[e.Gateway] == nil {
					return // a misspelt name may mean any of them, and is a finding of its own
				}
				used[e.Gateway] = true
			}
		}
		for n, g := range byKey(p.Site.Gateways) {
			if g.Purpose == "ingress" && len(g.Listeners) > 0 && !used[n] {
				p.Reportf(site.Join("gateways", n), "no service is exposed on gateway %q", n).
					Hintf("a service's expose: [{gateway: %q, host: …}], or remove the gateway", n)
			}
		}
	},
}

// ListenerUnused tells of a port that answers nobody.
var ListenerUnused = &check.Rule{
	ID: "MG6113", Name: "listener-unused", Severity: diag.Note, On: check.OnSite,
	Doc: `no service is exposed on a listener

The port is open at the gateway's addresses, and what connects there is refused or gets 404.`,
	Run: func(p *check.Pass) {
		named, open := exposedOn(p.Site)
		for n, g := range byKey(p.Site.Gateways) {
			for ln, li := range byKey(g.Listeners) {
				used := named[[2]string{n, ln}] || open[n] && isRequest(li.Protocol) && (li.TLS == nil || li.TLS.Mode != "passthrough")
				anyone := open[n]
				for other := range g.Listeners {
					anyone = anyone || named[[2]string{n, other}]
				}
				// An unused gateway is a finding of its own.
				if !used && anyone && !li.RedirectToHTTPS && g.Purpose == "ingress" {
					p.Reportf(site.Join("gateways", n, "listeners", ln), "no service is exposed on listener %s/%s, port %d", n, ln, li.Port)
				}
			}
		}
	},
}

// RedirectNowhere finds a redirect to a port that nobody serves.
var RedirectNowhere = &check.Rule{
	ID: "MG6114", Name: "redirect-nowhere", Severity: diag.Error, On: check.OnSite,
	Doc: `a listener redirects to HTTPS, and the gateway has no listener that speaks it

Clients are sent to port 443 of the same address, where nothing listens: every request ends in a refused connection.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			https := false
			for _, li := range g.Listeners {
				https = https || li.Protocol == "https" || li.Protocol == "grpc" && li.TLS != nil
			}
			for ln, li := range byKey(g.Listeners) {
				if li.RedirectToHTTPS && li.Protocol == "http" && !https {
					p.Reportf(site.Join("gateways", n, "listeners", ln, "redirectToHTTPS"), "listener %s/%s on port %d redirects to https, and no listener of the gateway speaks it", n, ln, li.Port).
						Hintf("listeners: https: {port: 443, protocol: \"https\", tls: …}")
				}
			}
		}
	},
}

// ListenerClear finds requests in the clear.
var ListenerClear = &check.Rule{
	ID: "MG6115", Name: "listener-clear", Severity: diag.Warning, On: check.OnSite,
	Doc: `a listener of a production gateway serves http or grpc in the clear

Passwords and cookies of clients are readable on every network on the way, and on the way they can be changed.
Source: RFC 9325, 3.2.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment != "production" {
			return
		}
		named, open := exposedOn(p.Site)
		for n, g := range byKey(p.Site.Gateways) {
			for ln, li := range byKey(g.Listeners) {
				clear := (li.Protocol == "http" || li.Protocol == "grpc") && li.TLS == nil && !li.RedirectToHTTPS
				if clear && g.Purpose == "ingress" && (open[n] || named[[2]string{n, ln}]) {
					p.Reportf(site.Join("gateways", n, "listeners", ln), "listener %s/%s serves %s on port %d in the clear, in environment \"production\"", n, ln, li.Protocol, li.Port).
						Hintf("protocol: \"https\" with tls; for a listener of http also redirectToHTTPS: true").Related("environment", "the environment")
				}
			}
		}
	},
}

// ListenerTLSMode finds TLS that a listener's protocol cannot have.
var ListenerTLSMode = &check.Rule{
	ID: "MG6116", Name: "listener-tls-mode", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a listener's protocol cannot do with TLS what it is told

A listener that passes TLS through sees no requests, so it cannot be one of https or grpc, and it shows no certificate of
its own. One of protocol tls needs to be told where TLS ends. UDP has no TLS.
Source: Gateway API, ListenerConfig.tls and TLSModeType.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			for ln, li := range byKey(g.Listeners) {
				path := site.Join("gateways", n, "listeners", ln)
				t := li.TLS
				switch {
				case t == nil && li.Protocol == "tls":
					p.Reportf(path, "listener %s/%s speaks tls and has no tls: does it end here or go through?", n, ln).
						Hintf("tls: mode: \"passthrough\"")
				case t == nil:
				case li.Protocol == "udp":
					p.Reportf(path+".tls", "listener %s/%s speaks udp, which has no TLS", n, ln).Hintf("remove tls")
				case t.Mode == "passthrough" && (li.Protocol == "https" || li.Protocol == "grpc"):
					p.Reportf(path+".tls.mode", "listener %s/%s passes TLS through and speaks %s: it would have to read requests", n, ln, li.Protocol).
						Hintf("mode: \"terminate\", or protocol: \"tls\"").Related(path+".protocol", "the protocol")
				case t.Mode == "passthrough" && (t.Issuer != "" || t.Secret != ""):
					p.Reportf(path+".tls", "listener %s/%s passes TLS through, and never shows the certificate of %q", n, ln, t.Issuer+t.Secret).
						Hintf("remove it, or mode: \"terminate\"").Related(path+".tls.mode", "the mode")
				}
			}
		}
	},
}

// ListenerUDP finds datagrams at a gateway that passes connections.
var ListenerUDP = &check.Rule{
	ID: "MG6117", Name: "listener-udp", Severity: diag.Error, On: check.OnSite,
	Doc: `a listener speaks udp at a gateway that passes no datagrams

The port is open in the Service, and nothing answers there. Datagrams need no gateway: an address of their own leads
straight to the pods.
Source: istio.io, Protocol Selection: UDP is not proxied; the profile of the mesh, protocol.udp. A gateway program of its
own passes them.`,
	Run: func(p *check.Pass) {
		mesh := p.Profiles.Mesh(p.Site.Mesh.Kind)
		cannot := mesh != nil && mesh.Capabilities["protocol.udp"] != nil && mesh.Capabilities["protocol.udp"].Support == profile.None
		for n, g := range byKey(p.Site.Gateways) {
			for ln, li := range byKey(g.Listeners) {
				if li.Protocol != "udp" {
					continue
				}
				if cannot && ownGateway(p.Site.Mesh.Kind) && g.Implementation == nil {
					p.Reportf(site.Join("gateways", n, "listeners", ln, "protocol"), "listener %s/%s speaks udp on port %d, which gateways of mesh %q do not", n, ln, li.Port, p.Site.Mesh.Kind).
						Hintf("an entry in exposures, which needs no gateway").Related("mesh.kind", "the mesh")
				}
			}
		}
	},
}

// SourceRangesFamily finds a filter that shuts out a whole address family.
var SourceRangesFamily = &check.Rule{
	ID: "MG6118", Name: "source-ranges-family", Severity: diag.Warning, On: check.OnSite,
	Doc: `a gateway has an address of a family that its sourceRanges have no network of

Nobody can connect to that address: a list that names only one family refuses the whole other one.
Source: Kubernetes API reference, ServiceSpec.loadBalancerSourceRanges.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			if len(g.SourceRanges) == 0 {
				continue
			}
			allowed := map[bool]bool{}
			for _, s := range g.SourceRanges {
				if r, err := netip.ParsePrefix(s); err == nil {
					allowed[r.Addr().Is4()] = true
				}
			}
			for i, a := range g.Addresses {
				ip, err := netip.ParseAddr(a)
				if err == nil && len(allowed) > 0 && !allowed[ip.Is4()] {
					p.Reportf(site.Join("gateways", n, "addresses", site.Index(i)), "nobody may connect to address %s of gateway %q: its sourceRanges (%s) are all of the other family", ip, n, strings.Join(g.SourceRanges, ", ")).
						Related(site.Join("gateways", n, "sourceRanges"), "who may connect")
				}
			}
		}
	},
}

// SourceRangesBehindBalancer finds a filter that sees balancers only.
var SourceRangesBehindBalancer = &check.Rule{
	ID: "MG6119", Name: "source-ranges-behind-balancer", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway filters by source address behind machines that put their own in front

The balancers in front of the cluster open connections of their own: without the PROXY protocol every client has a
balancer's address, and the filter admits everybody or nobody.
Source: HAProxy, The PROXY protocol.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		if lb.Kind != "external" || lb.External != nil && lb.External.ProxyProtocol {
			return
		}
		for n, g := range byKey(p.Site.Gateways) {
			if len(g.SourceRanges) > 0 && g.ExternalTrafficPolicy == "Local" { // under Cluster, source-ranges-need-local says so
				p.Reportf(site.Join("gateways", n, "sourceRanges"), "gateway %q filters by source address, and the external balancers hide it", n).
					Hintf("loadBalancer: external: proxyProtocol: true").Related("loadBalancer.kind", "the load balancer")
			}
		}
	},
}
