package documents

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// northSouth writes NORTH-SOUTH.md: the addresses first, then each gateway with its listeners and routes.
func northSouth(p *ir.Plan, t *artifact.Tree) {
	from := []string{"owner", "pools", "gateways", "namespaces", "racks", "fabric", "nodeClasses", "mesh", "kubernetes"}
	if p.Balancers != nil {
		from = append(from, "loadBalancer")
	}
	if len(p.Exposures) > 0 {
		from = append(from, "exposures", "loadBalancer")
	}
	if len(p.Egress) > 0 || len(p.EgressProxies) > 0 || p.CalicoEgress != nil ||
		p.Consul != nil && slices.ContainsFunc(p.Consul.Ways, func(w ir.ConsulWay) bool { return len(w.Sources) > 0 }) {
		from = append(from, "egressGateways", "external")
	}
	m := backend.Document(p, t, "NORTH-SOUTH.md", "Ways into "+p.Name, from...)
	waysIn(m, p)
	for i := range p.Gateways {
		gateway(m, p, &p.Gateways[i])
	}
	for i := range p.Exposures {
		exposure(m, p, &p.Exposures[i])
	}
	balancers(m, p)
	egress(m, p)
	egressProxies(m, p)
	egressCalico(m, p)
	consulWays(m, p)
	if !signs(p) || !slices.ContainsFunc(p.Gateways, func(g ir.Gateway) bool { return !p.CrossesSites(&g) }) {
		return
	}
	m.Heading("Two trust stores")
	keys := ""
	if c := p.Consul; c != nil && c.CA != nil && c.CA.Vault != nil {
		keys = " Its root is in Vault, engine " + code(c.CA.Vault.RootPath) + ": no issuer of gateways' certificates may sign there."
	}
	domain := code(p.Mesh.TrustDomain)
	if p.Consul != nil {
		domain = code(consulTrust)
	}
	m.Text("The certificates above are for clients outside. The mesh has an authority of its own, for trust domain " + domain +
		": a gateway ends the client's TLS and opens a new connection with its mesh identity. Neither store vouches for the other." + keys + " " +
		"An expired public certificate breaks the way in and not the mesh; an expired mesh root breaks calls between services and not the client's handshake. " +
		"Never put the mesh's root into a client authority of a gateway: every workload would then be a client.")
}

// waysIn is the table of addresses.
func waysIn(m *backend.Markdown, p *ir.Plan) {
	if len(p.Gateways) == 0 && len(p.Exposures) == 0 {
		m.Text("There is none: the site declares no gateway and no exposure, and no pool gives out an address by itself.")
		return
	}
	m.Text("One row an address. An address without a row here belongs to nobody: no pool gives one out by itself.")
	m.Head("address", "gateway", "owner", "pool", "announced by racks", "community", "who may connect")
	for _, g := range p.Gateways {
		pool := poolOf(p, g.Pool)
		for _, a := range g.VIPs {
			m.Row(code(a.String()), code(g.Name), g.Owner, code(g.Pool), announced(pool), codes(pool.Communities), sources(g))
		}
	}
	for _, e := range p.Exposures {
		pool := poolOf(p, e.Pool)
		for _, a := range e.VIPs {
			m.Row(code(a.String()), "none: exposure "+code(e.Exposure), e.Owner, code(e.Pool), announced(pool), codes(pool.Communities), "everybody")
		}
	}
}

func gateway(m *backend.Markdown, p *ir.Plan, g *ir.Gateway) {
	m.Heading("Gateway " + g.Name)
	policy := "Cluster: every announcing node takes connections and passes them on; the client's address is lost."
	l2 := poolOf(p, g.Pool).Protocol == "l2"
	switch {
	case g.Local && l2:
		policy = "Local: of the nodes with a ready pod one answers for the address and takes every connection; the client's address is kept."
	case g.Local:
		policy = "Local: only nodes with a ready pod announce the address, and the client's address is kept."
	case l2:
		policy = "Cluster: one node answers for the address, takes every connection and passes it on; the client's address is lost."
	}
	service := "class " + code(g.LBClass)
	if g.NodePorts {
		service = "fixed node ports"
		if g.Local {
			policy = "Local: only nodes with a ready pod take connections, and the balancers ask each node."
		}
	}
	served := "Pods: " + number(g.Replicas) + ", Deployment " + code(g.Namespace+"/"+g.Release) + ", on nodes of class " + code(g.Class) + " in racks " + codes(g.Racks) + ", spread by " + code(g.SpreadKey)
	identity := "Identity in the mesh: " + code(identityOf(p, g))
	if g.ByNodes {
		served, identity, policy = byNodes(g, l2, policy)
	}
	items := []string{"Owner: " + g.Owner, served, "Service: " + code(g.Namespace+"/"+g.ServiceName()) + ", " + service + ". " + policy}
	if p.Mesh.Kind != "none" && identity != "" {
		items = append(items, identity)
	}
	m.Items(items...)
	m.Head("listener", "port", "protocol", "where TLS ends", "certificate", "clients' authority", "host names")
	for _, l := range g.Listeners {
		ends, cert, ca := tls(p, g, &l)
		var hosts []string
		for _, h := range l.Hosts {
			hosts = append(hosts, h.Host)
		}
		m.Row(code(l.Name), number(l.Port), l.Protocol, ends, cert, ca, codes(hosts))
	}
	routes(m, p, g)
	if p.CiliumMesh != nil && g.Streams() && !p.CrossesSites(g) {
		clients := "whoever is outside the cluster"
		if len(g.SourceRanges) > 0 {
			clients = codes(ir.Prefixes(g.SourceRanges))
		}
		m.Text("No proxy is on the way: connections and datagrams go from the address straight to pods on the node that took them, with the client's own address. " +
			"At the pods' ports above the policies of those services admit " + clients + ", by whichever way they come. A node without a ready pod of all services above does not announce the address, or takes what nobody there answers.")
	}
}

// tls says where a listener's encryption ends and which Secrets it reads.
func tls(p *ir.Plan, g *ir.Gateway, l *ir.Listener) (ends, cert, ca string) {
	switch {
	case p.CrossesSites(g):
		return meshTLS(p.Mesh.Kind), "", ""
	case l.Redirect:
		return "no TLS: it redirects to https", "", ""
	case l.TLS == nil:
		return "no TLS", "", ""
	case l.TLS.Mode == "passthrough":
		return "at the service, not here", "", ""
	}
	ends = "at the gateway"
	cert = code(g.Namespace+"/"+l.TLS.Secret) + ", brought"
	if l.TLS.Issuer != "" {
		cert = code(g.Namespace+"/"+l.TLS.Secret) + ", ClusterIssuer " + code(l.TLS.Issuer)
	}
	if l.TLS.ClientCA != "" {
		ends = "at the gateway, which asks clients for a certificate"
		ca = code(g.Namespace + "/" + l.TLS.ClientCA)
	}
	return ends, cert, ca
}

func routes(m *backend.Markdown, p *ir.Plan, g *ir.Gateway) {
	if p.CrossesSites(g) {
		m.Text("No client outside the mesh comes in here: it is the way from other sites, and RUNBOOK.md says under [Other sites](RUNBOOK.md#other-sites) what they reach by it.")
		return
	}
	first := true
	for i := range p.Services {
		s := &p.Services[i]
		for _, e := range s.Exposes {
			if e.Gateway != g.Name {
				continue
			}
			if first {
				m.Head("host name", "path", "listeners", "service", "port", "pods' port")
				first = false
			}
			host, path := matched(g, &e)
			m.Row(host, path, codes(e.Listeners), code(s.Namespace+"/"+s.Name)+split(s), number(e.Port.Port), number(e.Port.TargetPort))
		}
	}
	if first {
		m.Text("No service is exposed here.")
	}
}

// matched says what of a connection or request is compared with a route's host name and path: listeners of streams look at
// neither, and one that hands TLS on at the name alone.
func matched(g *ir.Gateway, e *ir.Expose) (host, path string) {
	host, path = code(e.Host), code(e.Path.Value)+" and below"
	if e.Path.Exact {
		path = code(e.Path.Value) + " exactly"
	}
	for _, name := range e.Listeners {
		switch l := g.Listener(name); {
		case l == nil || l.SeesRequests():
			return host, path
		case l.IsStream():
			return host + ", which nothing here looks at", ""
		}
	}
	return host, ""
}

func split(s *ir.Service) string {
	var out []string
	for _, w := range s.Split {
		out = append(out, number(w.Weight)+" % "+code(w.Namespace+"/"+w.Name))
	}
	if out == nil {
		return ""
	}
	return ", split: " + strings.Join(out, ", ")
}

func poolOf(p *ir.Plan, name string) *ir.Pool {
	i := slices.IndexFunc(p.Pools, func(o ir.Pool) bool { return o.Name == name })
	return &p.Pools[i]
}

func announced(pool *ir.Pool) string {
	if pool.Protocol == "" {
		return "none: routed by others"
	}
	if pool.Protocol == "l2" {
		return "one node of " + codes(pool.Racks)
	}
	return codes(pool.Racks)
}

func sources(g ir.Gateway) string {
	if len(g.SourceRanges) == 0 {
		return "everybody"
	}
	return codes(ir.Prefixes(g.SourceRanges))
}
