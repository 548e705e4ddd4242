package verify

import (
	"path"
	"regexp"
	"strings"
)

// kubeletEnv is what the kubelet's environment file sets.
type kubeletEnv struct {
	line   int               // of KUBELET_EXTRA_ARGS
	flags  map[string]string // by name, without the dashes
	labels map[string]string // of --node-labels
}

// kubeletFlags are the flags in use. Everything else of the kubelet's configuration belongs into the drop-in: a flag
// would win over it silently (kubernetes.io, "Set Kubelet Parameters Via A Configuration File").
var kubeletFlags = words("config-dir node-labels node-ip hostname-override")

// parseKubeletEnv reads etc/default/kubelet or etc/sysconfig/kubelet, an EnvironmentFile of systemd.exec(5), whose only
// variable that kubeadm's unit passes on is KUBELET_EXTRA_ARGS.
func parseKubeletEnv(data []byte) (*kubeletEnv, faults) {
	var fs faults
	env := &kubeletEnv{flags: map[string]string{}, labels: map[string]string{}}
	scanLines(data, &fs, func(n int, line string) {
		if line == "" || line[0] == '#' || line[0] == ';' {
			return
		}
		value, ok := strings.CutPrefix(line, "KUBELET_EXTRA_ARGS=")
		switch {
		case !ok:
			fs.add(n, "the kubelet's unit reads KUBELET_EXTRA_ARGS only, not %q", line)
			return
		case env.line != 0:
			fs.add(n, "KUBELET_EXTRA_ARGS stands twice, first in line %d: the last one wins", env.line)
			return
		}
		env.line = n
		if q, ok := strings.CutPrefix(value, `"`); ok {
			if value, ok = strings.CutSuffix(q, `"`); !ok {
				fs.add(n, "the quote is not closed")
				return
			}
		}
		// systemd would expand, unquote or cut the value at these.
		if i := strings.IndexAny(value, "\"'\\$`"); i >= 0 {
			fs.add(n, "%q in KUBELET_EXTRA_ARGS is not passed on as it stands", value[i])
			return
		}
		env.readFlags(n, strings.Fields(value), &fs)
	})
	if env.line == 0 {
		fs.add(0, "KUBELET_EXTRA_ARGS is not set")
	}
	return env, fs
}

func (env *kubeletEnv) readFlags(n int, fields []string, fs *faults) {
	for _, f := range fields {
		name, value, ok := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		switch {
		case !strings.HasPrefix(f, "--") || !ok || value == "":
			fs.add(n, "not of the form --flag=value: %q", f)
		case !kubeletFlags[name]:
			fs.add(n, "flag --%s is not in use here", name)
		case env.flags[name] != "":
			fs.add(n, "flag --%s stands twice", name)
		default:
			env.flags[name] = value
		}
	}
	if dir := env.flags["config-dir"]; dir == "" {
		fs.add(n, "no --config-dir: the kubelet's default is empty, and it would read no drop-in")
	} else if !path.IsAbs(dir) || path.Clean(dir) != dir {
		fs.add(n, "--config-dir %s is not a clean absolute path", dir)
	}
	if ip := env.flags["node-ip"]; ip != "" {
		for a := range strings.SplitSeq(ip, ",") {
			if !isAddr(a) {
				fs.add(n, "--node-ip: %q is not an address", a)
			}
		}
	}
	if labels := env.flags["node-labels"]; labels != "" {
		for label := range strings.SplitSeq(labels, ",") {
			key, value, ok := strings.Cut(label, "=")
			if !ok {
				fs.add(n, "--node-labels: %q is not of the form key=value", label)
				continue
			}
			if _, ok := env.labels[key]; ok {
				fs.add(n, "--node-labels: %s stands twice", key)
			}
			env.labels[key] = value
			if err := checkNodeLabel(key, value); err != "" {
				fs.add(n, "--node-labels: %s", err)
			}
		}
	}
}

var (
	labelName   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	labelPrefix = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

// kubeletLabels are the labels in Kubernetes' own domains that a kubelet may set on its node, besides the prefixes
// kubelet.kubernetes.io and node.kubernetes.io (staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go of 1.36).
var kubeletLabels = words(`
	kubernetes.io/hostname kubernetes.io/arch kubernetes.io/os topology.kubernetes.io/region topology.kubernetes.io/zone
	failure-domain.beta.kubernetes.io/region failure-domain.beta.kubernetes.io/zone
	beta.kubernetes.io/arch beta.kubernetes.io/os beta.kubernetes.io/instance-type`)

// checkNodeLabel says why the kubelet would not start with the label or the API server's NodeRestriction would refuse
// it, or returns "".
func checkNodeLabel(key, value string) string {
	prefix, name, ok := strings.Cut(key, "/")
	if !ok {
		prefix, name = "", key
	}
	switch {
	case !labelName.MatchString(name) || ok && (len(prefix) > 253 || !labelPrefix.MatchString(prefix)):
		return key + " is not a label key"
	case value != "" && !labelName.MatchString(value):
		return key + ": " + value + " is not a label value"
	case inDomain(prefix, "node-restriction.kubernetes.io"):
		return key + ": NodeRestriction refuses it from a kubelet"
	case !inDomain(prefix, "kubernetes.io") && !inDomain(prefix, "k8s.io"):
		return ""
	case inDomain(prefix, "kubelet.kubernetes.io") || inDomain(prefix, "node.kubernetes.io") || kubeletLabels[key]:
		return ""
	}
	return key + ": a kubelet may not set this label on its node, and does not start when told to"
}

// inDomain reports whether prefix is the domain or one beneath it.
func inDomain(prefix, domain string) bool {
	return prefix == domain || strings.HasSuffix(prefix, "."+domain)
}
