package hosts

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// talosComment says how the file is applied and what of the site Talos cannot do.
const talosComment = `Patches of the machine configuration, as strategic merges: they set what stands here and leave the rest.
  new machines      talosctl gen config … --config-patch-worker @talos.yaml, or --config-patch-control-plane
  running machines  talosctl -n ADDRESS patch machineconfig --patch @talos.yaml, one at a time; no reboot is needed
What a patch of tomorrow no longer names stays on a running machine: take it out with talosctl edit machineconfig.
What other systems get and Talos has no place for:
  chrony    Talos asks by SNTP and follows one server, right or wrong, until it is silent: no majority, no minsources, no
            NTS before 1.14, no limit of distance, no leap seconds from the time zone database. Watch the clocks from outside.
  /etc      there are no files of the user in it: no sysctl.d, no modprobe.d, no drop-ins of systemd or the kubelet
  modules   what the site needs is built into the kernel, so that nothing is loaded and no parameter is given:`

// talos writes the patches of a group: the machine configuration, then a document for the time.
func talos(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	f := t.File(dir(p)+"/"+g.Name+"/talos.yaml", g.From...)
	f.Header("#", p.Name)
	y := f.YAML()
	y.Comment(talosComment)
	for _, m := range g.Talos.BuiltIn {
		y.From("", m.From...)
		y.Comment("            " + m.Name + ": " + m.Reason)
	}
	y.Fixed()
	y.Doc()
	y.Map("machine", func() {
		talosKernel(f, y, g)
		talosKubelet(y, g)
	})
	talosCluster(y, g.Talos)
	y.Fixed()
	y.Doc()
	y.KV("apiVersion", "v1alpha1")
	y.KV("kind", "TimeSyncConfig")
	from := append(g.Time.From[:len(g.Time.From):len(g.Time.From)], "time.sources")
	var clocks []string
	for i := range g.Time.Refclocks {
		clocks = append(clocks, g.Time.Refclocks[i].Device)
		from = append(from, g.Time.Refclocks[i].From...)
	}
	y.From("", from...)
	if len(clocks) > 0 {
		y.Comment("A name below /dev is a PTP clock of the machine. Talos asks in this order and keeps to the first that answers: the clock\nmust keep UTC by itself, and the servers stand in when its device is not there.")
	}
	y.Map("ntp", func() { y.KV("servers", append(clocks, servers(&g.Time)...)) })
	talosCards(y, g.Cards)
}

// talosCards writes a document for each network card, which Talos sets up without a restart.
func talosCards(y *artifact.YAML, c *ir.Cards) {
	if c == nil || c.RX == 0 {
		return
	}
	for _, name := range c.Names {
		y.From("", c.From...)
		y.Doc()
		y.Comment("All cards change at once: where the driver takes the link down for it, the machine is off the network for a moment.")
		y.KV("apiVersion", "v1alpha1")
		y.KV("kind", "EthernetConfig")
		y.KV("name", name)
		y.Map("rings", func() {
			y.KV("rx", c.RX)
			if c.TX > 0 {
				y.KV("tx", c.TX)
			}
		})
	}
}

// talosKernel writes kernel settings, and names the modules that are there without loading.
func talosKernel(f *artifact.File, y *artifact.YAML, g *ir.HostGroup) {
	y.Map("sysctls", func() {
		for _, s := range g.Sysctls {
			y.From(s.Why, s.From...)
			y.Comment(s.Reason)
			y.KV(s.Key, s.Value)
		}
	})
	if len(g.Modules) == 0 {
		return
	}
	y.Map("kernel", func() {
		y.Seq("modules", func() {
			for _, m := range g.Modules {
				y.From("", m.From...)
				y.Comment(m.Reason)
				y.Item(func() { y.KV("name", m.Name) })
			}
		})
	})
}

// talosKubelet writes the kubelet's limit, and the labels and taints that the node registers with.
func talosKubelet(y *artifact.YAML, g *ir.HostGroup) {
	k := &g.Kubelet
	y.Fixed()
	y.Map("kubelet", func() {
		y.Map("extraConfig", func() {
			y.From("", k.From.Of("maxPods", "podsPerNode", "capacity")...)
			y.KV("maxPods", k.MaxPods)
		})
		if nets := g.Talos.NodeNets; len(nets) > 0 {
			y.From("", g.Talos.NodeNetsFrom...)
			y.Comment("The machine has further networks, and Talos takes the first address of a family.")
			y.Map("nodeIP", func() { y.KV("validSubnets", nets) })
		}
	})
	y.From("", k.From...)
	if len(k.NodeLabels) > 0 {
		y.Map("nodeLabels", func() {
			for _, l := range k.NodeLabels {
				y.KV(l.Key, l.Value)
			}
		})
	}
	if len(k.Taints) > 0 {
		y.Comment("Of a worker they are taken when the node registers; on a node that exists they are set through the API.")
		y.Map("nodeTaints", func() {
			for _, taint := range k.Taints {
				y.KV(taint.Key, taint.Value+":"+taint.Effect)
			}
		})
	}
}

// talosCluster writes where the API is found, and what only control-plane machines read.
func talosCluster(y *artifact.YAML, c *ir.Talos) {
	y.From("", c.From...)
	y.Map("cluster", func() {
		y.From("", "kubernetes.apiServer.address", "kubernetes.apiServer.hostname", "kubernetes.apiServer.port")
		y.Map("controlPlane", func() { y.KV("endpoint", c.Endpoint) })
		y.From("", c.From...)
		if c.ControlPlane {
			talosControlPlane(y, c)
		}
	})
}

func talosControlPlane(y *artifact.YAML, c *ir.Talos) {
	y.From("", append(c.From[:len(c.From):len(c.From)], "kubernetes.apiServer.address", "kubernetes.apiServer.hostname")...)
	y.Map("apiServer", func() { y.KV("certSANs", c.Names) })
	y.From("", c.From...)
	y.KV("allowSchedulingOnControlPlanes", c.Schedulable)
	if c.NoCNI {
		y.From("", append(c.From[:len(c.From):len(c.From)], "kubernetes.cni.kind", "components.cni.managed")...)
		y.Map("network", func() {
			y.Comment("The pod network is not Talos' own flannel.")
			y.Map("cni", func() { y.KV("name", "none") })
		})
	}
	if len(c.NodeNets) > 0 {
		y.From("", append(c.From[:len(c.From):len(c.From)], c.NodeNetsFrom...)...)
		y.Map("etcd", func() { y.KV("advertisedSubnets", c.NodeNets) })
	}
	y.From("", append(c.From[:len(c.From):len(c.From)], "kubernetes.kubeProxy.mode", "kubernetes.distribution")...)
	y.Comment("kube-proxy is a DaemonSet that is made from this when the cluster is bootstrapped. Later: talosctl upgrade-k8s to the\nrelease that runs already.")
	y.Map("proxy", func() {
		if c.ProxyMode == "" {
			y.KV("disabled", true)
			return
		}
		y.KV("mode", c.ProxyMode)
		y.Comment("conntrack-max-per-core 0: the limit is the host's, which sizes it by node class.")
		y.Map("extraArgs", func() {
			for _, kv := range c.ProxyArgs {
				y.KV(kv.Key, kv.Value)
			}
		})
	})
}
