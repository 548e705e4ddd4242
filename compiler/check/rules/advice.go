package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// adviceRules are the rules that find no fault: what an experienced operator would say when asked.
var adviceRules = []*check.Rule{
	MeshNotWorth,
	AmbientInstead,
	NoRedirect,
	ExposedWithoutTimeout,
	NoResilience,
}

// worthServices is how many services a mesh is for at least. It is a judgement: below it, the calls between them fit
// on one page of NetworkPolicy, and the mesh's control plane, proxies and releases cost more work than they save.
const worthServices = 4

// MeshNotWorth finds a mesh for a handful of services.
var MeshNotWorth = &check.Rule{
	ID: "MG5301", Name: "mesh-not-worth", Severity: diag.Note, On: check.OnSite,
	Doc: `the mesh has fewer services than it is worth

A mesh is a control plane, proxies and a release every few months, for whoever runs the site. For a few services without
a wish about requests, NetworkPolicy and the pod network's own encryption do the same with less that can fail.
Source: a judgement; Kubernetes, Network Policies, for what they can do.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind == "none" || p.Site.Federation != nil {
			return
		}
		n, calls := 0, 0
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			if len(intents(s.Service)) > 0 {
				return // a wish that only a mesh grants
			}
			n++
			calls += len(s.Calls)
		}
		if n < worthServices {
			p.Reportf("mesh.kind", "mesh %s serves %d services with %d calls, and none asks for anything about requests: fewer than %d are rarely worth one", p.Site.Mesh.Kind, n, calls, worthServices).
				Related("namespaces", "the services").Hintf(`mesh: kind: "none", with NetworkPolicy between them and the encryption of pod network %s`, p.Site.Kubernetes.CNI.Kind)
		}
	},
}

// AmbientInstead finds proxies that ask for a good part of the machines.
var AmbientInstead = &check.Rule{
	ID: "MG5302", Name: "ambient-instead", Severity: diag.Note, On: check.OnSite,
	Doc: `the proxies of the pods ask for a tenth of a node's memory or more

Each pod has its own. With one proxy a node, of the ambient mode, the same pods need a fraction of it.
Source: istio.io, Ambient mode overview; the requests of the charts of both modes.`,
	Run: func(p *check.Pass) {
		m, ambient := p.Profiles.Mesh(p.Site.Mesh.Kind), p.Profiles.Mesh("istio-ambient")
		if p.Site.Mesh.Kind != "istio-sidecar" || m == nil || ambient == nil {
			return
		}
		request := m.ProxyResources.Memory.Request
		if r := p.Site.Mesh.Proxy.Resources; r != nil && r.Memory != nil && r.Memory.Request != "" {
			request = r.Memory.Request
		}
		for cn, c := range byKey(p.Site.NodeClasses) {
			pods := p.Site.Capacity.PodsPerNode
			if c.Capacity != nil && c.Capacity.PodsPerNode > 0 {
				pods = c.Capacity.PodsPerNode
			}
			need, memory := int64(pods)*site.ParseQuantity(request), site.ParseQuantity(c.Memory)
			if c.ControlPlane || memory == 0 || need < memory/10 {
				continue
			}
			p.Reportf(site.Join("nodeClasses", cn, "memory"), "the proxies of %d pods ask for %d of the %d MiB of a node of class %q, one proxy for all of them for %s",
				pods, need>>20, memory>>20, cn, ambient.ProxyResources.Memory.Request).
				Related("mesh.kind", "a proxy in each pod").Hintf(`mesh: kind: "istio-ambient"`)
		}
	},
}

// NoRedirect finds a gateway that leaves clients without https alone.
var NoRedirect = &check.Rule{
	ID: "MG5305", Name: "no-redirect", Severity: diag.Note, On: check.OnSite,
	Doc: `a gateway serves https and refuses http

Whoever types the name without a scheme, or has an old bookmark, gets "connection refused" and not the page.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			https, http := "", false
			for ln, li := range byKey(g.Listeners) {
				if li.Protocol == "https" && li.Port == 443 && (li.TLS == nil || li.TLS.Mode != "mutual") {
					https = ln
				}
				http = http || li.Port == 80
			}
			if https != "" && !http && g.Purpose == "ingress" {
				p.Reportf(site.Join("gateways", gn, "listeners"), "gateway %q serves https and has nothing on port 80", gn).
					Related(site.Join("gateways", gn, "listeners", https), "the listener").
					Hintf(`http: {port: 80, protocol: "http", redirectToHTTPS: true}`)
			}
		}
	},
}

// ExposedWithoutTimeout finds requests of clients that may take for ever.
var ExposedWithoutTimeout = &check.Rule{
	ID: "MG7901", Name: "exposed-without-timeout", Severity: diag.Note, On: check.OnSite,
	Doc: `a service that clients reach has no timeout

A request that hangs holds a connection at the gateway, in the service and in all that it calls, for as long as the
client waits: a few slow ones use up what the gateway is sized for.
Source: Site Reliability Engineering, chapter 22, "Addressing Cascading Failures": latency and deadlines.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if len(s.Expose) == 0 || s.Timeout != "" || !hasPort(s.Service, "http") {
				continue
			}
			p.Reportf(s.path, "%s is exposed on gateway %q and has no timeout", s.full(), s.Expose[0].Gateway).
				Related(s.path+".expose.0", "exposed here").Hintf(`timeout: "10s", or what its slowest request needs`)
		}
	},
}

// NoResilience finds a production site that promises nothing.
var NoResilience = &check.Rule{
	ID: "MG7902", Name: "no-resilience", Severity: diag.Note, On: check.OnSite,
	Doc: `a production site with several racks does not say what it must survive

What is not promised is not checked: that the gateways outlast a rack is found out on the day it fails.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment == "production" && p.Site.Resilience == nil && len(p.Site.Racks) > 1 {
			p.Reportf("environment", "the site is in production, has %d racks, and does not say what it must survive", len(p.Site.Racks)).
				Related("racks", "the racks").Hintf(`resilience: survive: ["node", %s"rack"]`, torPromise(p.Site))
		}
	},
}

// torPromise is the promise that a site can keep whose racks all have two switches.
func torPromise(s *site.Site) string {
	for _, r := range s.Racks {
		if len(r.ToRs) < 2 || r.Homing == "single" {
			return ""
		}
	}
	return `"tor", `
}
