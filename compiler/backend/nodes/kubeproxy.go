package nodes

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// kubeProxyComment says how the key gets into the cluster and what a running kube-proxy does with it. kubeadm writes
// the ConfigMap with a plain update (cmd/kubeadm/app/phases/addons/proxy), keeps a configuration whose checksum is not
// its own (componentconfigs/configset.go), and kube-proxy does not notice the exchange of a mounted ConfigMap.
const kubeProxyComment = `The configuration of kube-proxy, one for all nodes: what differs by node class stands in the hosts' sysctl.d.
Only with server-side apply: it sets this one key, and kubeadm's other key (kubeconfig.conf) stays as it is.
  what would change  kubectl diff --server-side --force-conflicts -f configmap.yaml
  apply              kubectl apply --server-side --force-conflicts -f configmap.yaml
  then               kubectl -n kube-system rollout restart daemonset/kube-proxy
--force-conflicts is for this object alone, the first time and after "kubeadm upgrade": until then the key is kubeadm's,
and the conflict must name nothing else. kubeadm keeps these settings when it upgrades. Never prune this object.`

// kubeProxyKubeconfig is where kubeadm's DaemonSet mounts the other key.
const kubeProxyKubeconfig = "/var/lib/kube-proxy/kubeconfig.conf"

func kubeProxy(p *ir.Plan, t *artifact.Tree) {
	k := &p.Cluster.KubeProxy
	y := backend.Objects(p, t, backend.Nodes, "ConfigMap")
	y.From("", "kubernetes.kubeProxy.mode", "kubernetes.distribution") // the file is there because kubeadm runs kube-proxy from it
	y.Comment(kubeProxyComment)
	backend.Object(y, backend.Meta{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: "kube-system", Name: "kube-proxy", From: k.From,
	}, func() {
		y.Map("data", func() { y.Block("config.conf", kubeProxyConfig(k)) })
	})
}

// kubeProxyConfig returns the whole KubeProxyConfiguration: the key is one string, and what it leaves out falls back to
// kube-proxy's defaults, not to what kubeadm wrote before. So the three fields that kubeadm derives from the cluster
// (bindAddress, clusterCIDR, clientConnection) are among them.
func kubeProxyConfig(k *ir.KubeProxy) string {
	f := artifact.NewTree().File("config.conf")
	y := f.YAML()
	y.KV("apiVersion", "kubeproxy.config.k8s.io/v1alpha1")
	y.KV("kind", "KubeProxyConfiguration")
	y.KV("bindAddress", k.BindAddress)
	y.Map("clientConnection", func() {
		y.Comment("Without it kube-proxy would call the API server by the Service address that only kube-proxy makes reachable.")
		y.KV("kubeconfig", kubeProxyKubeconfig)
	})
	y.KV("clusterCIDR", k.ClusterCIDR)
	y.KV("mode", k.Mode)
	if k.StrictARP {
		y.Map("ipvs", func() { y.KV("strictARP", true) })
	}
	y.Map("conntrack", func() {
		y.Comment("0: leave the limit to the hosts, which size it by node class; min is then ignored.")
		y.KV("maxPerCore", 0)
		y.Comment("Written to the host at every start; the hosts' sysctl.d has the same.")
		y.KV("tcpEstablishedTimeout", k.Established)
	})
	return string(f.Bytes())
}
