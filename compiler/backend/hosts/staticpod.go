package hosts

import (
	"net"
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const staticPodComment = `The kubelet starts this pod by itself, before there is an API to ask: machines find the API by the address that it moves.`

const kubeadmComment = `It must be there before kubeadm init. Until that has finished, admin.conf has no rights (kubeadm 1.29 and later): on the
first control-plane node, and there alone, let the volume take super-admin.conf for the time of kubeadm init.`

// kubeVIPKubeconfig is where kube-vip looks in its container, with the name "kubernetes" in place of the server's in it
// (pkg/manager/manager.go, New, in kube-vip 1.2.3).
const kubeVIPKubeconfig = "/etc/kubernetes/admin.conf"

// apiMetricsPort is not that of the speakers, which may run on the same machine.
const apiMetricsPort = 2113

// staticPod writes the pod that moves the address of the API. The election is by a lease, reached at the machine's own
// API server: /etc/hosts of the pod says that "kubernetes", which is in every distribution's certificate, is this machine.
func staticPod(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	c := g.APIAddress
	if c == nil {
		return
	}
	f := file(p, t, g, c.Path)
	f.From("", append(p.From[:len(p.From):len(p.From)], c.From...)...)
	y := f.YAML()
	y.Comment(staticPodComment)
	if c.Join == 0 {
		y.Comment(kubeadmComment)
	} else {
		y.Comment("The first server is started without \"server:\" in its configuration (with cluster-init where etcd is embedded). When\n" +
			c.Unit + " has made the file below, the pod starts and the address is there: all others join with\nserver: https://" +
			hostPort(c) + ". Leave the first one without it.")
	}
	y.KV("apiVersion", "v1")
	y.KV("kind", "Pod")
	y.Map("metadata", func() {
		y.KV("name", "kube-vip")
		y.KV("namespace", "kube-system")
	})
	y.Map("spec", func() {
		y.KV("hostNetwork", true)
		y.KV("priorityClassName", backend.NodeCritical)
		y.Seq("hostAliases", func() {
			y.Item(func() {
				y.KV("ip", "127.0.0.1")
				y.KV("hostnames", []string{"kubernetes"})
			})
		})
		y.Seq("containers", func() { y.Item(func() { apiContainer(y, c) }) })
		y.Seq("volumes", func() {
			y.Item(func() {
				y.KV("name", "kubeconfig")
				y.Map("hostPath", func() {
					y.KV("path", c.Kubeconfig)
					y.Comment("Without a type the runtime would make a folder of that name, and nobody could write the file.")
					y.KV("type", "File")
				})
			})
		})
	})
}

// hostPort is where others join.
func hostPort(c *ir.KubeVIPControlPlane) string {
	return net.JoinHostPort(c.Address.String(), strconv.Itoa(int(c.Join)))
}

func apiContainer(y *artifact.YAML, c *ir.KubeVIPControlPlane) {
	y.KV("name", "kube-vip")
	y.KV("image", c.Image)
	y.KV("args", []string{"manager"})
	backend.HostNetworkRights(y)
	y.Seq("volumeMounts", func() {
		y.Item(func() {
			y.KV("name", "kubeconfig")
			y.KV("mountPath", kubeVIPKubeconfig)
			y.KV("readOnly", true)
		})
	})
	y.Seq("env", func() { apiEnvironment(backend.Env{YAML: y}, c) })
}

// Times of the lease in seconds: those of Kubernetes' own controllers, and kube-vip's default. A dead node's address
// moves after the first of them at most.
const (
	leaseDuration = 15
	renewDeadline = 10
	retryPeriod   = 2
)

func apiEnvironment(e backend.Env, c *ir.KubeVIPControlPlane) {
	e.Field("vip_nodename", "spec.nodeName")
	e.Set("prometheus_server", ":"+strconv.Itoa(apiMetricsPort))
	e.Set("vip_arp", "true")
	e.Set("cp_enable", "true")
	e.Set("cp_namespace", "kube-system")
	e.Set("address", c.Address.String())
	e.Set("port", strconv.Itoa(int(c.Port)))
	e.Set("vip_interface", c.Interface)
	e.Set("vip_leaderelection", "true")
	e.Set("vip_leaseduration", strconv.Itoa(leaseDuration))
	e.Set("vip_renewdeadline", strconv.Itoa(renewDeadline))
	e.Set("vip_retryperiod", strconv.Itoa(retryPeriod))
}
