package verify

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/artifact"
)

// hostAgents are the PodMonitors of agents in the network of their hosts, and where these serve metrics: Cilium 1.20.2
// install/kubernetes/cilium/values.yaml prometheus.port, and the kube-vip of the tree.
var hostAgents = map[string]uint16{"meshgen-cilium": 9962, "meshgen-kube-vip": 2112}

// flowsOfAgents: what is scraped on hosts, which a firewall of the hosts would keep from the scraper.
func (p *pass) flowsOfAgents(f *artifact.File, set flowSet) {
	for _, o := range p.objects {
		port := hostAgents[o.name]
		if o.is("monitoring.coreos.com", "PodMonitor") && port != 0 && !set.has(netip.Prefix{}, netip.Prefix{}, "tcp", port, "pods") {
			p.report(f, 0, ruleFlows, "%s reads port %d of hosts, and no row lets the scraper through", o, port)
		}
	}
}
