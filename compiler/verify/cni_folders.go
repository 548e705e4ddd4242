package verify

import "cmp"

// k3s tells its container runtime of folders of its own while it brings the pod network itself (pkg/agent/config: only
// without NoFlannel; Istio 1.31, manifests/helm-profiles/platform-k3s.yaml). Otherwise containerd's own hold.
const (
	k3sNetDir, k3sBinDir            = "/var/lib/rancher/k3s/agent/etc/cni/net.d", "/var/lib/rancher/k3s/data/cni"
	containerdNetDir, containerdBin = "/etc/cni/net.d", "/opt/cni/bin"
)

// cniFolderKeys are the keys of charts that install a CNI plug-in, of the folders for its configuration and for itself.
// What is left out is containerd's.
var cniFolderKeys = map[string]struct{ net, bin fieldPath }{
	"cni":          {fieldPath{"cniConfDir"}, fieldPath{"cniBinDir"}},
	"linkerd2-cni": {fieldPath{"destCNINetDir"}, fieldPath{"destCNIBinDir"}},
	"consul":       {fieldPath{"connectInject", "cni", "cniNetDir"}, fieldPath{"connectInject", "cni", "cniBinDir"}},
}

// checkCNIFolders holds the folders of a chart's plug-in against those of the container runtime. In others the plug-in
// waits for the pod network's configuration for ever, and no pod is redirected.
func (p *pass) checkCNIFolders(v *values, chart string) {
	keys, ok := cniFolderKeys[chart]
	if !ok {
		return
	}
	net, bin := containerdNetDir, containerdBin
	if p.k3sNetwork {
		net, bin = k3sNetDir, k3sBinDir
	}
	for _, x := range []struct {
		at             fieldPath
		want, standard string
	}{{keys.net, net, containerdNetDir}, {keys.bin, bin, containerdBin}} {
		if have := cmp.Or(str(v.value, x.at...), x.standard); have != x.want {
			v.report(p, ruleValues, x.at, "the container runtime does not look for plug-ins in %s, but in %s", have, x.want)
		}
	}
}
