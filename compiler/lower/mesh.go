package lower

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// controlPlaneReplicas is the number of control-plane pods where the site says nothing: two, so that one may be
// drained while the other injects and signs.
const controlPlaneReplicas = 2

func (l *lowering) mesh() {
	m := l.s.Mesh
	prof := l.meshProfile()
	p := &l.p.Mesh
	*p = ir.Mesh{
		Kind: m.Kind, Version: m.Version, Revision: m.Revision, Namespace: prof.Namespace,
		TrustDomain: m.TrustDomain, Strict: m.MTLS == "strict",
		Proxy:          resources(m.Proxy.Resources, "mesh.proxy.resources"),
		Replicas:       m.ControlPlane.Replicas,
		RegistryOnly:   m.EgressPolicy == "registry-only",
		NativeSidecars: prof.NativeSidecars(m.Version, l.p.Cluster.Minor),
		AccessLogs:     l.s.Observability.AccessLogs, AccessLogsFrom: ir.From{"observability.accessLogs"},
		ProxyPorts: ir.ProxyPorts{
			Metrics: prof.Ports.Metrics, EnvoyMetrics: prof.Ports.ProxyMetrics, Health: prof.Ports.Health,
			Control: prof.Ports.Control, ControlMetrics: prof.Ports.ControlMetrics, Webhook: prof.Ports.Webhook, Tunnel: prof.Ports.Tunnel,
			Controls: prof.Ports.Controls, Streams: prof.Ports.Streams,
		},
		From: under("mesh", "kind", "version", "revision", "trustDomain", "mtls", "controlPlane.replicas", "egressPolicy"),
	}
	p.ProxyPorts.Probes = prof.Ports.Probes
	if t := prof.Ports.SidecarTunnel; t != 0 {
		p.ProxyPorts.Tunnel, p.ProxyPorts.InPods = t, true
	}
	if row := prof.Release(m.Version); row != nil {
		p.ImageHub = row.Hub
	}
	if p.Replicas == 0 {
		p.Replicas = controlPlaneReplicas
	}
	p.Aliases, p.HoldPods, p.PushThrottle = m.TrustDomainAliases, m.Proxy.HoldApplicationUntilReady, m.ControlPlane.PushThrottle
	p.CA = l.authority()
	l.signer()
	l.spire()
	p.Next = l.nextControlPlane()
	p.Migrations = l.migrations()
	if p.OwnPolicy = l.ciliumMeshed(); p.OwnPolicy {
		p.ProxyPorts = ir.ProxyPorts{} // none of them is a pod's
	}
	p.Waypoint = l.waypoint()
	if t := l.s.Observability.Tracing; t != nil {
		host, port, _ := net.SplitHostPort(t.OTLP)
		n, _ := strconv.ParseUint(port, 10, 16)
		service, namespace, _ := strings.Cut(host, ".")
		namespace, _, _ = strings.Cut(namespace, ".")
		p.Tracing = &ir.Tracing{
			Namespace: namespace, Service: service, Host: service + "." + namespace + ".svc." + l.p.Cluster.Domain,
			Port: uint16(n), SamplingPercent: t.SamplingPercent,
			From: append(under("observability.tracing", "otlp", "samplingPercent"), "kubernetes.clusterDomain"),
		}
	}
}

// authority is what the site says of the mesh's certificate authority; nil: nothing.
func (l *lowering) authority() *ir.CA {
	c := l.s.Mesh.CA
	if c == nil {
		return nil
	}
	out := &ir.CA{Kind: c.Kind, Secret: c.Secret, WorkloadTTL: life(c.WorkloadTTL), From: ir.From{"mesh.ca"}}
	if a := c.TrustAnchor; a != nil {
		out.AnchorConfigMap = a.ConfigMap
	}
	if i := c.Issuer; i != nil {
		out.IssuerSecret, out.IssuerRef = i.Secret, i.CertManagerIssuer
	}
	return out
}

func resources(r *site.Resources, path string) ir.Resources {
	if r == nil {
		return ir.Resources{}
	}
	out := ir.Resources{From: ir.From{path}}
	if r.CPU != nil {
		out.CPURequest, out.CPULimit = r.CPU.Request, r.CPU.Limit
	}
	if r.Memory != nil {
		out.MemoryRequest, out.MemoryLimit = r.Memory.Request, r.Memory.Limit
	}
	return out
}

// namespaces lists every namespace that meshgen makes: those of services, of gateways, and of its own parts.
func (l *lowering) namespaces() {
	add := func(n ir.Namespace) { l.p.Namespaces = append(l.p.Namespaces, n) }
	meshed := l.s.Mesh.Kind != "none"
	for name, n := range byKey(l.s.Namespaces) {
		path := site.Join("namespaces", name)
		ns := ir.Namespace{
			Name: name, Owner: n.Owner, Purpose: "services", Meshed: n.Mesh && meshed,
			Permissive: l.permissive(name), Waypoint: n.Waypoint,
			PodSecurity: n.PodSecurity, Environment: n.Environment,
			From: append(under(path, "owner", "podSecurity", "mesh", "mtls", "environment"), "kubernetes.version", "mesh.kind"),
		}
		if ns.Owner == "" {
			ns.Owner, ns.From = l.s.Owner, append(ns.From, "owner")
		}
		if ns.Environment == "" {
			ns.Environment, ns.From = l.s.Environment, append(ns.From, "environment")
		}
		l.meshKind().inject(l, &ns)
		add(ns)
	}
	for _, g := range l.p.Gateways {
		if g.Namespace == l.p.Mesh.Namespace {
			continue // the mesh's own part
		}
		ns := ir.Namespace{
			Name: g.Namespace, Owner: g.Owner, Purpose: "gateway", PodSecurity: "restricted", Environment: l.s.Environment,
			From: append(under(site.Join("gateways", g.Name), "owner"), "owner", "environment", "mesh.revision", "mesh.kind", "kubernetes.version"),
		}
		l.meshKind().inject(l, &ns)
		add(ns)
	}
	for _, x := range l.p.EgressProxies {
		ns := ir.Namespace{
			Name: x.Pods.Namespace, Owner: x.Pods.Owner, Purpose: "gateway", PodSecurity: "restricted", Environment: l.s.Environment,
			From: append(ir.From{"owner", "environment", "mesh.revision", "mesh.kind", "kubernetes.version"}, x.From...),
		}
		l.meshKind().inject(l, &ns)
		add(ns)
	}
	l.p.Namespaces = slices.Concat(l.p.Namespaces, l.awayNamespaces(), l.linkerdFlatNamespace())
	// Pods with elevated rights have namespaces of their own, so that nothing else gets them by standing beside.
	own := func(name, purpose, level string, from ...string) {
		ns := ir.Namespace{Name: name, Owner: l.s.Owner, Purpose: purpose, PodSecurity: level, Environment: l.s.Environment,
			From: append(ir.From{"owner", "environment", "kubernetes.version"}, from...)}
		if keepOut := l.meshKind().keepOut; keepOut != nil {
			keepOut(l, &ns)
		}
		add(ns)
	}
	if pr := l.p.Program; pr != nil {
		own(pr.Namespace, "gateway-program", "restricted", pr.From...)
	}
	for _, n := range l.meshKind().namespaces(l) {
		own(n.name, "mesh", n.level, "mesh.kind")
		if n.name == linkerdEgress {
			ns := &l.p.Namespaces[len(l.p.Namespaces)-1]
			ns.From = append(ns.From, "mesh.egressPolicy")
		}
		if f := l.p.Federation; f != nil && n.name == l.p.Mesh.Namespace && l.crossing().network != "" {
			ns := &l.p.Namespaces[len(l.p.Namespaces)-1]
			// The network of all pods that do not say another.
			ns.InjectLabels = append(ns.InjectLabels, ir.KV{Key: l.crossing().network, Value: f.Network})
			ns.From = append(ns.From, f.From...)
		}
	}
	// A part of the pod network stands with it, in a namespace that is the cluster's own.
	if lb := l.set.LoadBalancer(l.p.LoadBalancer.Kind); lb.CNI == "" && lb.Machines == nil {
		own(l.p.LoadBalancer.Namespace, "load-balancer", lb.PodSecurity, "loadBalancer.kind")
	}
	if h := l.p.HostPods; h != nil {
		own(h.Namespace, "hosts", "privileged", "delivery.hosts")
	}
	l.calicoNamespaces(own)
	slices.SortFunc(l.p.Namespaces, func(a, b ir.Namespace) int { return strings.Compare(a.Name, b.Name) })
}

// permissive reports whether a namespace accepts callers from outside the mesh.
func (l *lowering) permissive(namespace string) bool {
	mode := l.s.Namespaces[namespace].MTLS
	if mode == "" {
		mode = l.s.Mesh.MTLS
	}
	return mode == "permissive"
}

// releases lists the charts in the order of their installation: what others need first.
func (l *lowering) releases() {
	lb := l.set.LoadBalancer(l.s.LoadBalancer.Kind)
	add := func(r ir.Release) { l.p.Releases = append(l.p.Releases, r) }
	if l.installsCilium() {
		chart := l.set.CNI("cilium").Release(l.s.Kubernetes.CNI.Version).Chart
		add(ir.Release{Name: chart.Name, Component: podNetwork, Chart: chart.Name, Repository: chart.Repository, Version: l.s.Kubernetes.CNI.Version,
			Namespace: ciliumNamespace, From: ir.From{"kubernetes.cni", "components.cni.managed"}})
	}
	if lb.CNI != "" || lb.Machines != nil {
		// It comes with the pod network, or stands in front of the cluster.
	} else if chart := lb.Release(l.s.LoadBalancer.Version).Chart; chart.Name != "" {
		add(ir.Release{Name: l.s.LoadBalancer.Kind, Component: l.s.LoadBalancer.Kind, Chart: chart.Name, Repository: chart.Repository,
			Version: l.s.LoadBalancer.Version, Namespace: l.p.LoadBalancer.Namespace, From: l.p.LoadBalancer.From})
	}

	for _, r := range append(l.meshKind().releases(l), l.programReleases()...) {
		add(r)
	}
	cm := l.s.Components.CertManager
	l.p.CertManager = ir.Component{Namespace: cm.Namespace, Version: cm.Version, From: ir.From{"components.certManager"}}
	if s := l.s.Observability.Scraper; s != nil {
		l.p.Scraper = &ir.Scraper{Namespace: s.Namespace, ServiceAccount: s.ServiceAccount, Meshed: s.Meshed, From: ir.From{"observability.scraper"}}
	}
}
