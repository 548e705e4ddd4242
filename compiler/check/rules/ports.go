package rules

import (
	"fmt"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// The kernel's own range of outgoing ports (net/ipv4/af_inet.c, inet_init_net).
const (
	ephemeralFirst = 32768
	ephemeralLast  = 60999
)

// NodePortsRange finds a range that is none.
var NodePortsRange = &check.Rule{
	ID: "MG2106", Name: "node-ports-range", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the range of node ports ends before it begins, or beyond the last port

The API server does not start with such a range, and host settings that reserve it would reserve something else.
Source: kubernetes cmd/kube-apiserver --service-node-port-range.`,
	Run: func(p *check.Pass) {
		first, last := nodePortRange(p.Site)
		switch text := p.Site.Kubernetes.NodePorts; {
		case first > 65535 || last > 65535:
			p.Reportf("kubernetes.nodePorts", "node ports %s go beyond port 65535", text).Hintf("the API server's own default is %s", defaultNodePorts(p))
		case first > last:
			p.Reportf("kubernetes.nodePorts", "node ports %s end before they begin", text).Hintf("write %d-%d", last, first).
				Fix("kubernetes.nodePorts", strconv.Quote(fmt.Sprintf("%d-%d", last, first)), fmt.Sprintf("write %d-%d", last, first))
		}
	},
}

// NodePortsListener finds node ports that something on the host listens on.
var NodePortsListener = &check.Rule{
	ID: "MG2107", Name: "node-ports-listener", Severity: diag.Error, On: check.OnSite,
	Doc: `the range of node ports holds a port that a program on the host listens on

Once a Service gets that port, its rules take the traffic away from the program: the kubelet, the API server or the
load balancer is not reached any more, on every node at once.
Source: kubernetes pkg/cluster/ports, and the ports that each component documents.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		first, last := nodePortRange(p.Site)
		if first > last || last > 65535 {
			return
		}
		seen := map[int]bool{}
		see := func(port int, use, path string) {
			if port < first || port > last || seen[port] {
				return
			}
			seen[port] = true
			p.Reportf("kubernetes.nodePorts", "node ports %s hold port %d of the host: %s", k.NodePorts, port, use).
				Related(path, "what listens there").Hintf("the API server's own default is %s", defaultNodePorts(p))
		}
		see(k.APIServer.Port, "API server", "kubernetes.apiServer.port")
		each := func(listeners []profile.Listener, path string) {
			for _, l := range listeners {
				see(int(l.Port), l.Use, path)
			}
		}
		if d := p.Profiles.Distribution(k.Distribution); d != nil {
			each(d.HostPorts, "kubernetes.distribution")
		}
		if c := p.Profiles.CNI(k.CNI.Kind); c != nil {
			each(c.HostPorts, "kubernetes.cni.kind")
		}
		if b := p.Profiles.LoadBalancer(p.Site.LoadBalancer.Kind); b != nil {
			each(b.HostPorts, "loadBalancer.kind")
		}
		if m := p.Profiles.Mesh(p.Site.Mesh.Kind); m != nil && m.SPIRE != nil && p.Site.Mesh.CA != nil && p.Site.Mesh.CA.Kind == "spire" {
			each(m.SPIRE.HostPorts, "mesh.ca.kind")
		}
	},
}

// NodePortsEphemeral finds node ports that leave few ports for what goes out.
var NodePortsEphemeral = &check.Rule{
	ID: "MG2108", Name: "node-ports-ephemeral", Severity: diag.Warning, On: check.OnSite,
	Doc: `the range of node ports takes most of the ports for outgoing connections

Node ports are reserved on the host, so that no outgoing connection takes one. What the kernel has left (of 32768 to
60999) bounds the connections from a node to one destination: image pulls and health checks fail with "cannot assign
requested address". Ports below 1024 belong to programs that the host may start at any time.
Source: kernel documentation, ip_local_reserved_ports; measured.`,
	Run: func(p *check.Pass) {
		first, last := nodePortRange(p.Site)
		if first > last || last > 65535 {
			return
		}
		if first < 1024 {
			p.Reportf("kubernetes.nodePorts", "node ports %s begin below 1024, among the ports of the host's own services", p.Site.Kubernetes.NodePorts).
				Hintf("the API server's own default is %s", defaultNodePorts(p))
		}
		const all = ephemeralLast - ephemeralFirst + 1
		if taken := min(last, ephemeralLast) - max(first, ephemeralFirst) + 1; taken*2 > all {
			p.Reportf("kubernetes.nodePorts", "node ports %s take %d of the %d ports for outgoing connections (%d-%d)",
				p.Site.Kubernetes.NodePorts, taken, all, ephemeralFirst, ephemeralLast).Hintf("the API server's own default is %s", defaultNodePorts(p))
		}
	},
}

// NodePortsFew finds a range too small for the declared Services.
var NodePortsFew = &check.Rule{
	ID: "MG2109", Name: "node-ports-few", Severity: diag.Error, On: check.OnSite,
	Doc: `the range of node ports has fewer ports than the declared Services of type LoadBalancer take

Each of their ports takes a node port, and each Service with externalTrafficPolicy Local one more for health checks. The
API server refuses the Service that comes last: a gateway without an address.
Source: Kubernetes documentation, Service, type LoadBalancer and healthCheckNodePort.`,
	Run: func(p *check.Pass) {
		first, last := nodePortRange(p.Site)
		if first > last || last > 65535 {
			return
		}
		need := 0
		add := func(ports int, policy string) {
			need += ports
			if policy == "Local" {
				need++
			}
		}
		for _, g := range p.Site.Gateways {
			add(len(g.Listeners), g.ExternalTrafficPolicy)
		}
		for _, e := range p.Site.Exposures {
			add(len(e.Ports), e.ExternalTrafficPolicy)
		}
		if room := last - first + 1; need > room {
			p.Reportf("kubernetes.nodePorts", "node ports %s are %d, and the gateways and exposures of the site take %d", p.Site.Kubernetes.NodePorts, room, need).
				Hintf("the API server's own default is %s", defaultNodePorts(p))
		}
	},
}

// nodePortRange reads "first-last"; a range beyond all ports when it is none.
func nodePortRange(s *site.Site) (first, last int) {
	a, b, _ := strings.Cut(s.Kubernetes.NodePorts, "-")
	first, errA := strconv.Atoi(a)
	last, errB := strconv.Atoi(b)
	if errA != nil || errB != nil {
		return 1 << 16, 1 << 16
	}
	return first, last
}

func defaultNodePorts(p *check.Pass) string {
	r := p.Profiles.Kubernetes().NodePorts
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}
