package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// kubeVIPMetricsPort is where kube-vip answers, as its manifest here says (prometheus_server).
const kubeVIPMetricsPort = 2112

// kubeVIPMonitors: kube-vip answers in plain HTTP on a port of the host.
func (l *lowering) kubeVIPMonitors() []ir.Monitor {
	lb := &l.p.LoadBalancer
	return []ir.Monitor{{Kind: "PodMonitor", Name: watchName + "-kube-vip", Namespaces: []string{lb.Namespace},
		Selector: []ir.KV{{Key: "app.kubernetes.io/name", Value: "kube-vip"}}, Ports: []string{"metrics"}, Path: "/metrics", NodeLabel: true,
		Reason: "Sessions and elections. The series of elections name the node and the Service's lease.", HonorLabels: true,
		From: lb.From.Of("kind")}}
}

// kubeVIPSessions: the metric has a series for each state of a session, 1 for the one that it is in, and names the peer with
// its port (pkg/manager/worker/bgp.go in 1.2.3). A session that was never tried has no series.
func kubeVIPSessions(metric string, from ir.From) sessionWatch {
	const up = `state="SESSION_STATE_ESTABLISHED"`
	return sessionWatch{few: "10m", silent: "2m",
		up: func(op, peers string) string {
			return fmt.Sprintf(`(sum(%s{%s,peer%s"%s"}) or vector(0))`, metric, up, op, peers)
		},
		peer: addressAndPort,
		down: []ir.Rule{sessionDown("peer", fmt.Sprintf("%s{%s} == 0", metric, up), from)}}
}

// kubeVIPLeaderRules watch who holds a gateway's addresses at layer 2: the lease of the Service is called kubevip- and its
// name (pkg/lease/lease.go in kube-vip 1.2.3). A node that never stood for it has no series.
func (l *lowering) kubeVIPLeaderRules(g *ir.Gateway, p *ir.Pool) []ir.Rule {
	labels := []ir.KV{{Key: "gateway", Value: g.Name}}
	leaders := fmt.Sprintf(`(sum(kube_vip_is_leader{lease_name="kubevip-%s"}) or vector(0))`, g.Release)
	from := slices.Concat(p.From, g.From, l.p.LoadBalancer.From, ir.From{site.Join("gateways", g.Name, "addresses")})
	addresses := joinAddrs(*g)
	return []ir.Rule{
		{Alert: "VIPNotAnnounced", Severity: critical, For: "3m", Labels: labels, From: from,
			Expr:        leaders + " == 0",
			Summary:     fmt.Sprintf("No node answers for %s of gateway %s.", addresses, g.Name),
			Description: fmt.Sprintf("Nobody holds the lease %s/kubevip-%s. With externalTrafficPolicy Local a node stands for it while a ready pod of the gateway runs on it.", g.Namespace, g.Release)},
		{Alert: "VIPAnnouncedTwice", Severity: critical, For: "2m", Labels: labels, From: from,
			Expr:        leaders + " > 1",
			Summary:     fmt.Sprintf("More than one node answers for %s of gateway %s.", addresses, g.Name),
			Description: "Clients and routers follow whoever answered last. One of them has lost the API server, and its lease with it."},
	}
}
