package hosts

import (
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// kubeletDropIn is read after the distribution's own configuration and before names that sort later.
const kubeletDropIn = "/90-meshgen.conf"

// kubeletConfig writes a drop-in of the kubelet's configuration.
func kubeletConfig(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	k := &g.Kubelet
	if k.ConfigDir == "" {
		return
	}
	f := file(p, t, g, k.ConfigDir+kubeletDropIn)
	f.Begin(append(g.From[:len(g.From):len(g.From)], "kubernetes.distribution")...)
	comments(f,
		"Read at start, and only by a kubelet with --config-dir="+k.ConfigDir+": restart it after a change.",
		"Merged over the kubelet's configuration as a JSON merge patch: a list here replaces the list there.",
		"A flag of the same meaning wins over this file.")
	y := f.YAML()
	y.KV("apiVersion", "kubelet.config.k8s.io/v1beta1")
	y.KV("kind", "KubeletConfiguration")
	y.From("", k.From.Of("maxPods", "podsPerNode", "capacity")...)
	y.KV("maxPods", k.MaxPods)
	if k.Protect {
		y.From("", k.From.Of("protectKernelDefaults")...)
		y.Comment("The kubelet compares six settings of the kernel, which are in " + sysctlPath + ", and does not start where one differs.")
		y.KV("protectKernelDefaults", true)
	}
	if len(k.Taints) == 0 {
		return
	}
	y.From("", k.From.Of("taints", "controlPlane")...)
	y.Comment("Taken when the node registers for the first time; on a node that exists they are set through the API.")
	backend.Taints(y, "registerWithTaints", k.Taints)
}

// kubeletFlags writes the environment file from which the kubelet's service takes its last flags.
func kubeletFlags(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	k := &g.Kubelet
	if k.EnvFile == "" {
		return
	}
	f := file(p, t, g, k.EnvFile)
	f.Begin(append(g.From[:len(g.From):len(g.From)], "kubernetes.distribution")...)
	comments(f,
		"kubeadm's unit of the kubelet (10-kubeadm.conf) reads this file and puts these flags last, so that they win.",
		"If the machine has such a file already, merge: add the flags to its KUBELET_EXTRA_ARGS instead of replacing it.",
		"The drop-in comes first: a kubelet whose --config-dir does not exist does not start.",
		"Node labels given here act when the node registers for the first time, and never after.")
	f.From("", k.From...)
	args := []string{"--config-dir=" + k.ConfigDir}
	if len(k.NodeLabels) > 0 {
		labels := make([]string, len(k.NodeLabels))
		for i, l := range k.NodeLabels {
			labels[i] = l.Key + "=" + l.Value
		}
		args = append(args, "--node-labels="+strings.Join(labels, ","))
	}
	f.Line("KUBELET_EXTRA_ARGS=" + strconv.Quote(strings.Join(args, " ")))
}
