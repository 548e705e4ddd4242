package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// ExposureUnknown finds an exposure of what does not exist.
var ExposureUnknown = &check.Rule{
	ID: "MG6171", Name: "exposure-unknown", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an exposure names a pool or a service that does not exist

Its Service would wait for an address for ever, or lead to nothing.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.Exposures) {
			path := site.Join("exposures", n)
			if p.Site.Pools[e.Pool] == nil {
				p.Reportf(path+".pool", "exposure %q takes its address from pool %q, which does not exist", n, e.Pool).
					Hintf("pools: %s", keys(p.Site.Pools))
			}
			if lookup(p.Site, e.Service) == nil {
				r := p.Reportf(path+".service", "exposure %q leads to service %q, which does not exist", n, e.Service)
				if ns, _, _ := strings.Cut(e.Service, "/"); p.Site.Namespaces[ns] != nil {
					r.Hintf("services of %s: %s", ns, keys(p.Site.Namespaces[ns].Services))
				} else {
					r.Hintf("namespaces: %s", keys(p.Site.Namespaces))
				}
			}
		}
	},
}

// ExposurePorts finds ports of an exposure that lead nowhere.
var ExposurePorts = &check.Rule{
	ID: "MG6172", Name: "exposure-ports", Severity: diag.Error, On: check.OnSite,
	Doc: `an exposure has no ports, one twice, or one that its service lacks or has over another transport

A port is found by the name of the service's port: one that does not exist has no pods behind it, and a Service with the
same number twice is refused.
Source: Kubernetes API reference, ServiceSpec.ports.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.Exposures) {
			path := site.Join("exposures", n)
			if len(e.Ports) == 0 {
				p.Reportf(path, "exposure %q has no ports", n).Hintf("ports: the ports of the service that clients come in by")
			}
			portTwice(p, path+".ports", "exposure "+quote(n), e.Ports)
			s := lookup(p.Site, e.Service)
			if s == nil {
				continue
			}
			ns, sn, _ := strings.Cut(e.Service, "/")
			at := site.Join("namespaces", ns, "services", sn)
			for pn, port := range byKey(e.Ports) {
				switch own := s.Ports[pn]; {
				case own == nil && len(s.Ports) == 0:
					p.Reportf(path+".ports."+pn, "exposure %q has port %q, and service %s has no ports", n, pn, e.Service).Hintf("%s.ports: %s: {port: …, protocol: %q}, where the service listens", at, pn, port.Protocol).Related(at, "the service")
				case own == nil:
					p.Reportf(path+".ports."+pn, "exposure %q has port %q, which service %s has not", n, pn, e.Service).
						Hintf("ports: %s", keys(s.Ports)).Related(at+".ports", "its ports")
				case transport(own.Protocol) != transport(port.Protocol):
					p.Reportf(path+".ports."+pn+".protocol", "port %q of exposure %q speaks %s, and that of service %s speaks %s", pn, n, port.Protocol, e.Service, own.Protocol).
						Hintf("protocol: %q", own.Protocol).Related(at+".ports."+pn, "the service's port")
				}
			}
		}
	},
}

// ExposureOutsidePool finds a virtual address of an exposure that nobody may give out.
var ExposureOutsidePool = &check.Rule{
	ID: "MG6173", Name: "exposure-outside-pool", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an exposure's address is not in its pool

The load balancer refuses the address, and the Service stays pending.
Source: MetalLB controller, Allocate; Cilium documentation, LoadBalancer IPAM.`,
	Run: func(p *check.Pass) { outsidePool(p, func(f front) bool { return f.exposure != nil }) },
}

// ExposureNoPods finds an exposure of what has no pods.
var ExposureNoPods = &check.Rule{
	ID: "MG6174", Name: "exposure-no-pods", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an exposure leads to a service whose workload has no lasting pods

A load balancer announces an address for the pods that a selector finds: a machine outside the cluster has none, and
those of a Job are gone when it is done.
Source: Cilium documentation, LoadBalancer IPAM and BGP: Services need a selector; Kubernetes documentation, Services
without selectors.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.Exposures) {
			s := lookup(p.Site, e.Service)
			if s != nil && slices.Contains([]string{"VM", "Job", "CronJob"}, s.Workload) {
				ns, sn, _ := strings.Cut(e.Service, "/")
				p.Reportf(site.Join("exposures", n, "service"), "exposure %q leads to %s, a %s, which has no lasting pods", n, e.Service, s.Workload).
					Related(site.Join("namespaces", ns, "services", sn, "workload"), "the workload").
					Hintf("a service whose pods stay: a Deployment, a StatefulSet or a DaemonSet")
			}
		}
	},
}

// ExposureStrict finds clients without certificates at a service that asks for them.
var ExposureStrict = &check.Rule{
	ID: "MG6175", Name: "exposure-strict", Severity: diag.Error, On: check.OnSite,
	Doc: `an exposure leads to a service that requires mutual TLS

Clients from outside come past every gateway, without a certificate of the mesh: their connections are reset at the first
byte. UDP is not in the mesh and passes.
Source: istio.io, PeerAuthentication, mode STRICT; Linkerd documentation, default policies.`,
	Run: func(p *check.Pass) {
		if kind := p.Site.Mesh.Kind; kind == "none" || kind == "cilium" { // Cilium encrypts between nodes, and asks no client
			return
		}
		for n, e := range byKey(p.Site.Exposures) {
			ns, _, _ := strings.Cut(e.Service, "/")
			if lookup(p.Site, e.Service) == nil || !strict(p.Site, ns) {
				continue
			}
			for pn, port := range byKey(e.Ports) {
				if transport(port.Protocol) == "TCP" {
					p.Reportf(site.Join("exposures", n, "service"), "exposure %q leads clients without certificates to port %q of %s, which requires mutual TLS", n, pn, e.Service).
						Hintf("namespaces: %s: mtls: \"permissive\", or expose it on a gateway", ns).Related(site.Join("namespaces", ns), "its namespace")
					break
				}
			}
		}
	},
}

// ExposureToken finds clients who are to show a token, and pass nobody who looks at it.
var ExposureToken = &check.Rule{
	ID: "MG5855", Name: "exposure-token", Severity: diag.Error, On: check.OnSite,
	Doc: `an exposure leads past the waypoint to a service that asks for a token

In an ambient mesh the waypoint looks at tokens, for those who come through the tunnel. Clients of an exposure come to the
pods as they are, where ztunnel knows addresses and ports: whoever reaches the address would be let in without a token.
Source: istio/ztunnel release-1.31 src/rbac.rs, which has no claims; istio.io, Use Layer 7 features with ambient.`,
	Run: func(p *check.Pass) {
		pastWaypoint(p, func(at, exposure, port, path string, s *site.Service) {
			if s.JWT != nil {
				p.Reportf(at, "exposure %q leads to port %q of %s past its waypoint, and the waypoint is who looks at tokens", exposure, port, p.Site.Exposures[exposure].Service).
					Related(path+".jwt", "the token").Hintf("expose: [{gateway: …}] in the service, in place of the exposure; or leave out jwt")
			}
		})
	},
}

// ExposureUncounted finds clients whose requests nobody counts.
var ExposureUncounted = &check.Rule{
	ID: "MG5856", Name: "exposure-uncounted", Severity: diag.Warning, On: check.OnSite,
	Doc: `an exposure leads past the waypoint to a service with a rate limit

In an ambient mesh the waypoint counts requests, those that come through the tunnel. Clients of an exposure come to the pods as
they are: they may send as many as they like, beside those that the limit lets through.
Source: istio.io, Use Layer 7 features with ambient; istio/ztunnel release-1.31 README.md, which names layer 4 alone.`,
	Run: func(p *check.Pass) {
		pastWaypoint(p, func(at, exposure, port, path string, s *site.Service) {
			if s.RateLimit != nil {
				p.Reportf(at, "exposure %q leads to port %q of %s past its waypoint, and the waypoint is who counts requests", exposure, port, p.Site.Exposures[exposure].Service).
					Related(path+".rateLimit", "the limit").Hintf("expose: [{gateway: …}] in the service, in place of the exposure; or see that the pods can take what clients send")
			}
		})
	},
}

// pastWaypoint calls report for each exposure of an ambient mesh that has a port of requests, by which its clients come to the
// pods of a service in the mesh past the waypoint.
func pastWaypoint(p *check.Pass, report func(at, exposure, port, path string, s *site.Service)) {
	if p.Site.Mesh.Kind != "istio-ambient" {
		return
	}
	for n, e := range byKey(p.Site.Exposures) {
		ns, sn, _ := strings.Cut(e.Service, "/")
		s := lookup(p.Site, e.Service)
		if s == nil || !p.Site.Namespaces[ns].Mesh {
			continue
		}
		for pn := range byKey(e.Ports) {
			if port := s.Ports[pn]; port != nil && ir.IsHTTP(port.Protocol) {
				report(site.Join("exposures", n, "service"), n, pn, site.Join("namespaces", ns, "services", sn), s)
				break
			}
		}
	}
}

// ExposureElsewhere finds an exposure whose pods may be where nobody announces.
var ExposureElsewhere = &check.Rule{
	ID: "MG6176", Name: "exposure-elsewhere", Severity: diag.Warning, On: check.OnSite,
	Doc: `an exposure has externalTrafficPolicy Local, and its pods may run on nodes that announce nothing

Under Local a node announces the address for the pods that it has itself. Pods of a Deployment go to any node: those
on the others get no traffic, and when all are there, no switch knows the address.
Source: MetalLB documentation, BGP mode, traffic policies.`,
	Run: func(p *check.Pass) {
		c := takeCensus(p.Site)
		speakers := speakerClasses(p.Site)
		var silent []string
		for cn, class := range byKey(p.Site.NodeClasses) {
			takes := class.Schedulable == nil && !class.ControlPlane || class.Schedulable != nil && *class.Schedulable
			tainted := slices.ContainsFunc(class.Taints, func(t string) bool { return !strings.HasSuffix(t, ":PreferNoSchedule") })
			if takes && !tainted && len(c.nodes[cn]) > 0 && !slices.Contains(speakers, cn) {
				silent = append(silent, cn)
			}
		}
		if len(silent) == 0 {
			return
		}
		for n, e := range byKey(p.Site.Exposures) {
			s := lookup(p.Site, e.Service)
			if s == nil || s.Workload != "Deployment" && s.Workload != "StatefulSet" || e.ExternalTrafficPolicy != "Local" || !announces(p.Site, e.Pool, "bgp") {
				continue
			}
			r := p.Reportf(site.Join("exposures", n, "externalTrafficPolicy"), "exposure %q has externalTrafficPolicy Local, and pods of %s may run on class %s, which does not announce", n, e.Service, strings.Join(silent, ", ")).
				Hintf("externalTrafficPolicy: \"Cluster\", or more classes in fabric.bgp.speakers.classes")
			if b := p.Site.Fabric.BGP; b != nil && b.Speakers != nil {
				r.Related("fabric.bgp.speakers.classes", "who announces")
			}
		}
	},
}

// ExposureNameTaken finds an exposure whose Service has the name of another.
var ExposureNameTaken = &check.Rule{
	ID: "MG5320", Name: "exposure-name-taken", Severity: diag.Error, On: check.OnSite,
	Doc: `the Service of an exposure has the name of a declared service

Both are one object then: whoever applies last decides its ports and whether it has an address.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.Exposures) {
			ns, _, _ := strings.Cut(e.Service, "/")
			name := ir.ExposureService(n)
			if lookup(p.Site, ns+"/"+name) != nil {
				p.Reportf(site.Join("exposures", n), "the Service of exposure %q is called %s, as a service of namespace %s is", n, name, ns).
					Hintf("another name for the exposure").Related(site.Join("namespaces", ns, "services", name), "the service")
			}
			if len(name) > 63 {
				p.Reportf(site.Join("exposures", n), "the Service of exposure %q would be called %s, %d characters: 63 are the most", n, name, len(name)).
					Hintf("a shorter name for the exposure")
			}
		}
	},
}
