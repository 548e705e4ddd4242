package kubevip

import (
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const staticPodComment = `The kubelet starts this pod by itself, before there is an API to ask: kubelets find the API by the address that it moves.
It must be there before kubeadm init. Until that has finished, admin.conf has no rights (kubeadm 1.29 and later): on the
first control-plane node, and there alone, let the volume take super-admin.conf for the time of kubeadm init.`

// staticPod writes one pod for a group of control-plane nodes. The election is by a lease, reached at the machine's own
// API server: /etc/hosts of the pod says that "kubernetes", which is in its certificate, is this machine (pkg/manager,
// New, in kube-vip 1.2.3).
func staticPod(p *ir.Plan, t *artifact.Tree, c *ir.KubeVIPControlPlane, g *ir.KubeVIPGroup) {
	f := t.File("hosts/"+p.Name+"/"+g.Name+c.Path, slices.Concat(p.From, g.From, c.From, p.KubeVIP.From)...)
	f.Header("#", p.Name)
	y := f.YAML()
	y.Comment(staticPodComment)
	y.KV("apiVersion", "v1")
	y.KV("kind", "Pod")
	y.Map("metadata", func() {
		y.KV("name", account)
		y.KV("namespace", "kube-system")
	})
	y.Map("spec", func() {
		y.KV("hostNetwork", true)
		y.KV("priorityClassName", nodeCritical)
		y.Seq("hostAliases", func() {
			y.Item(func() {
				y.KV("ip", "127.0.0.1")
				y.KV("hostnames", []string{"kubernetes"})
			})
		})
		y.Seq("containers", func() {
			y.Item(func() {
				y.KV("name", account)
				y.From("", p.KubeVIP.From...)
				y.KV("image", p.KubeVIP.Image)
				y.Fixed()
				y.KV("args", []string{"manager"})
				capabilities(y)
				y.Seq("volumeMounts", func() {
					y.Item(func() {
						y.KV("name", "kubeconfig")
						y.KV("mountPath", c.Kubeconfig)
						y.KV("readOnly", true)
					})
				})
				y.Seq("env", func() { controlPlane(env{y}, c, g) })
			})
		})
		y.Seq("volumes", func() {
			y.Item(func() {
				y.KV("name", "kubeconfig")
				y.Map("hostPath", func() {
					y.KV("path", c.Kubeconfig)
					y.Comment("Without a type the runtime would make a folder of that name, and kubeadm could not write its file.")
					y.KV("type", "File")
				})
			})
		})
	})
}

// Times of the lease in seconds: those of Kubernetes' own controllers, and kube-vip's default. A dead node's address
// moves after the first of them at most.
const (
	leaseDuration = 15
	renewDeadline = 10
	retryPeriod   = 2
)

func controlPlane(e env, c *ir.KubeVIPControlPlane, g *ir.KubeVIPGroup) {
	e.field("vip_nodename", "spec.nodeName")
	e.set("prometheus_server", ":"+strconv.Itoa(controlPlaneMetricsPort))
	e.set("vip_arp", "true")
	e.set("cp_enable", "true")
	e.set("cp_namespace", "kube-system")
	e.From("", c.From...)
	e.set("address", c.Address.String())
	e.set("port", strconv.Itoa(int(c.Port)))
	e.From("", g.From...)
	e.set("vip_interface", g.Interface)
	e.Fixed()
	e.set("vip_leaderelection", "true")
	e.set("vip_leaseduration", strconv.Itoa(leaseDuration))
	e.set("vip_renewdeadline", strconv.Itoa(renewDeadline))
	e.set("vip_retryperiod", strconv.Itoa(retryPeriod))
}
