package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ConsulProtocols finds a service of Consul that speaks two protocols.
var ConsulProtocols = &check.Rule{
	ID: "MG5195", Name: "consul-mixed-protocols", Severity: diag.Error, On: check.OnSite,
	Doc: `the ports of one service speak different protocols, and Consul knows one for a service

ServiceDefaults.protocol holds for all its ports. Taken as http, the others break at their first byte; taken as tcp,
routes, retries and rules by method or path are refused by the webhook.
Source: Consul on Kubernetes, service with multiple ports; ServiceDefaults, protocol.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			first, firstName := "", ""
			for pn, port := range byKey(s.Ports) {
				as := port.Protocol
				if as == "tls" || as == "https" {
					as = "tcp" // the proxy passes it on as it is
				}
				if as == "udp" {
					continue // past the proxy
				}
				if first == "" {
					first, firstName = as, pn
				}
				if as != first {
					at := s.path + "." + site.Join("ports", pn) + ".protocol"
					p.Reportf(at, "port %q of %s/%s speaks %s, and port %q %s: Consul knows one protocol for a service", pn, s.namespace, s.name, as, firstName, first).
						Hintf("a service of its own for port %q", pn).Related(s.path+"."+site.Join("ports", firstName)+".protocol", "the other port")
				}
			}
		}
	},
}

// ConsulPermissive finds rules that plain text goes past.
var ConsulPermissive = &check.Rule{
	ID: "MG5196", Name: "consul-permissive", Severity: diag.Warning, On: check.OnSite,
	Doc: `services say whom they admit, and Consul lets plain text past that

Intentions are not enforced on plain text: as long as a namespace is permissive, whoever reaches the port is let in,
whatever allow says.
Source: Consul, onboard services in transparent proxy mode: permissive mutual TLS.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			mode, at := mtlsMode(p.Site, nn)
			if mode != "permissive" || !n.Mesh {
				continue
			}
			var who []string
			r := ""
			for sn, s := range byKey(n.Services) {
				if s.Allow != nil {
					who = append(who, nn+"/"+sn)
					r = site.Join("namespaces", nn, "services", sn, "allow")
				}
			}
			if len(who) > 0 {
				p.Reportf(at, "namespace %q takes plain text, and intentions do not hold for it: %s admit(s) whoever comes", nn, some(who, ", ")).
					Related(r, "who should be admitted").Hintf("mtls: \"strict\"")
			}
		}
	},
}

// ConsulServers finds servers of Consul that cannot lose one.
var ConsulServers = &check.Rule{
	ID: "MG5197", Name: "consul-even-servers", Severity: diag.Warning, On: check.OnSite,
	Doc: `Consul has an even number of servers

A quorum is more than half: two servers stop when either of them does, and four survive no more than three do.
Source: Consul, consensus protocol, deployment table.`,
	Run: func(p *check.Pass) {
		if n := p.Site.Mesh.ControlPlane.Replicas; p.Site.Mesh.Kind == "consul" && n > 0 && n%2 == 0 {
			p.Reportf("mesh.controlPlane.replicas", "Consul has %d servers: a quorum of %d survives the loss of %d", n, n/2+1, n-(n/2+1)).
				Hintf("replicas: %d", n+1)
		}
	},
}
