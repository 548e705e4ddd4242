package istio

import "meshgen.dev/meshgen/compiler/artifact"

// cniValues: the node agent that redirects the pods' traffic. Its defaults fit: it is chained behind the cluster's own
// CNI plugin, tolerates every taint, and repairs pods that started before it was there.
func (e *emitter) cniValues(y *artifact.YAML) {
	e.profile(y)
	if cni := &e.p.Cluster.CNI; cni.OwnDirs {
		y.From("istio/cni-folders", cni.DirsFrom...)
		y.Comment("Where the container runtime of the distribution looks for plug-ins.")
		y.KV("cniConfDir", cni.NetDir)
		y.KV("cniBinDir", cni.BinDir)
		y.Fixed()
	}
	e.ambientAgent(y)
	y.Map("global", func() {
		e.hub(y)
		y.Comment("Ingress to the agent's metrics and readiness only.")
		y.Map("networkPolicy", func() { y.KV("enabled", true) })
	})
}
