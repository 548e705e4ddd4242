package lower

import (
	"net"
	"net/url"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// talosFamily is the operating system that is configured by documents and has no files.
const talosFamily = "talos"

// timeService decides what keeps the time on a group: what the site asks for, or the one service that a system has.
func (l *lowering) timeService(g *ir.HostGroup, os *profile.OS) {
	switch {
	case os.TimeService == "timesyncd":
		g.Time.OptionsFile = ""
		g.Time.Daemon, g.Time.Path, g.TimeUnit = "timesyncd", "/etc/systemd/timesyncd.conf.d/90-meshgen.conf", "systemd-timesyncd.service"
	case os.TimeService != "":
		g.Time.Daemon, g.Time.Path, g.Time.OptionsFile = os.TimeService, "", ""
		// Talos takes a PTP clock for a server, and knows no pulses.
		g.Time.Refclocks = slices.DeleteFunc(g.Time.Refclocks, func(c ir.Refclock) bool { return c.Driver != "PHC" })
	case g.Time.Daemon == "ntpd":
		g.TimeUnit, g.Packages = os.NTPsec.Unit, []string{os.NTPsec.Package}
	case g.Time.Daemon == "chrony":
		g.TimeUnit, g.Packages = os.Chrony.Unit, []string{"chrony"}
		if os.Leap.Package != "" {
			g.Packages = append(g.Packages, os.Leap.Package)
		}
	}
}

// asksOneServer reports whether a group's time service follows one server at a time and tells nobody how far off it is.
func asksOneServer(g ir.HostGroup) bool {
	return g.Time.Daemon == "timesyncd" || g.Time.Daemon == "talos"
}

// proxyArgs are the options of a kube-proxy that no ConfigMap configures. They say the same as the ConfigMap would.
func (l *lowering) proxyArgs() []ir.KV {
	k := &l.p.Cluster.KubeProxy
	if !k.Managed {
		return nil
	}
	out := []ir.KV{
		{Key: "conntrack-max-per-core", Value: "0"},
		{Key: "conntrack-tcp-timeout-established", Value: k.Established},
	}
	if k.StrictARP {
		out = append(out, ir.KV{Key: "ipvs-strict-arp", Value: "true"})
	}
	return out
}

// supervisor decides the drop-in of a distribution that runs kubelet and kube-proxy in one program. What all servers must
// agree on stands in the files of all of them.
func (l *lowering) supervisor(g *ir.HostGroup, n ir.Node, class *site.NodeClass) {
	dist := l.set.Distribution(l.s.Kubernetes.Distribution)
	prof := dist.Supervisor
	if prof == nil {
		if dist.Kubelet.ConfigDir != "" {
			g.Unit = "kubelet.service"
		}
		return
	}
	path := site.Join("nodeClasses", n.Class)
	g.Unit = prof.Units.Agent
	s := &ir.Supervisor{
		Path: prof.Config, Server: class.ControlPlane, Taints: n.Taints,
		From: append(under(path, "controlPlane", "schedulable", "taints"), "kubernetes.distribution", "kubernetes.kubeProxy.mode"),
	}
	if l.p.Cluster.KubeProxy.Managed {
		s.ProxyArgs = []string{"proxy-mode=" + l.p.Cluster.KubeProxy.Mode}
		for _, kv := range l.proxyArgs() {
			s.ProxyArgs = append(s.ProxyArgs, kv.Key+"="+kv.Value)
		}
	}
	if key := prof.CNI.Interface; key != "" && len(class.Networks) > 0 && BringsPodNetwork(l.s, l.set) {
		s.Interface = ir.KV{Key: key, Value: class.NIC.Interface}
		s.From = append(s.From, path+".nic", path+".networks")
	}
	g.Supervisor = s
	if !class.ControlPlane {
		return
	}
	g.Unit = prof.Units.Server
	s.NoProxy = !l.p.Cluster.KubeProxy.Managed
	s.Names = l.p.Cluster.APINames
	for _, o := range prof.Off {
		s.Off = append(s.Off, ir.Option{Key: o.Key, Values: o.Values, From: ir.From{"loadBalancer.kind"}})
	}
	if BringsPodNetwork(l.s, l.set) {
		cni := l.s.Kubernetes.CNI
		s.CNI = append(s.CNI, ir.KV{Key: prof.CNI.Key, Value: prof.CNI.Packaged[cni.Kind][cni.Encapsulation]})
		return
	}
	s.CNI = append(s.CNI, ir.KV{Key: prof.CNI.Key, Value: "none"})
	for _, key := range prof.CNI.NoPolicy {
		s.CNI = append(s.CNI, ir.KV{Key: key, Value: "true"})
	}
}

// BringsPodNetwork reports whether the distribution brings the pod network by its own configuration: one that it has,
// unless meshgen installs the chart of it.
func BringsPodNetwork(s *site.Site, set *profile.Set) bool {
	dist, kind := set.Distribution(s.Kubernetes.Distribution), s.Kubernetes.CNI.Kind
	return dist != nil && dist.Supervisor != nil && dist.Supervisor.CNI.Packaged[kind] != nil && !(s.Components.CNI.Managed && kind == "cilium")
}

// talos decides what a machine configuration says besides kernel settings and time. Modules that the kernel has built in
// can neither be loaded nor be given parameters, so that the buckets of the connection table are a kernel setting.
func (l *lowering) talos(g *ir.HostGroup, n ir.Node, class *site.NodeClass) {
	path := site.Join("nodeClasses", n.Class)
	t := &ir.Talos{
		ControlPlane: class.ControlPlane, Schedulable: schedulable(class),
		Endpoint: (&url.URL{Scheme: "https", Host: net.JoinHostPort(l.p.Cluster.APIHost, strconv.Itoa(l.s.Kubernetes.APIServer.Port))}).String(),
		From:     append(under(path, "controlPlane", "schedulable"), "kubernetes.distribution"),
	}
	t.NodeNets, t.NodeNetsFrom = l.nodeNetwork(n.Rack, n.Class)
	if class.ControlPlane {
		t.Names = l.p.Cluster.APINames
		t.NoCNI = l.s.Kubernetes.CNI.Kind != "flannel" || l.s.Components.CNI.Managed
		t.ProxyMode, t.ProxyArgs = l.p.Cluster.KubeProxy.Mode, l.proxyArgs()
		if !l.p.Cluster.KubeProxy.Managed {
			t.ProxyMode = ""
		}
	}
	if l.set.OS(g.OS).BuiltIn {
		t.BuiltIn, g.Modules = g.Modules, nil
		for _, o := range g.ModuleOptions {
			g.Sysctls = append(g.Sysctls, ir.Sysctl{Key: "net.netfilter.nf_conntrack_buckets", Value: o.Value, Reason: o.Reason, Why: o.Why, From: o.From})
		}
		g.ModuleOptions = nil
	}
	// Talos adds this one by itself, by allowSchedulingOnControlPlanes.
	cp := l.set.Distribution(l.s.Kubernetes.Distribution).ControlPlane.Taint
	g.Kubelet.Taints = slices.DeleteFunc(slices.Clone(g.Kubelet.Taints), func(t ir.Taint) bool { return t.Key == cp.Key })
	g.Talos = t
}
