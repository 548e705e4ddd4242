package verify

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// supervisorKeys are the options of k3s and rke2 that are in use; "+" after a key adds to a list. True: servers only, an
// agent does not know it and does not start (docs.k3s.io, k3s agent; docs.rke2.io, Linux agent configuration reference).
var supervisorKeys = map[string]bool{
	"kubelet-arg+": false, "kube-proxy-arg+": false, "node-label+": false, "node-taint+": false, "flannel-iface": false,
	"tls-san+": true, "disable+": true, "disable-kube-proxy": true, "flannel-backend": true, "disable-network-policy": true,
	"ingress-controller+": true, "cni": true,
}

// supervisorForms are the values of options that are no lists (k3s pkg/agent/flannel/setup.go, rke2 pkg/cli/types.go; an
// interface's name is at most 15 bytes, without a slash or a space: Linux net/core/dev.c, dev_valid_name).
var supervisorForms = map[string]*regexp.Regexp{
	"flannel-backend": regexp.MustCompile(`^(none|vxlan|host-gw|wireguard-native)$`),
	"cni":             regexp.MustCompile(`^(none|calico|canal|cilium|flannel)$`),
	"flannel-iface":   regexp.MustCompile(`^[^/\s]{1,15}$`),
}

// proxyFlags are the flags of kube-proxy that are in use (pkg of cmd/kube-proxy, options of Kubernetes 1.36).
var proxyFlags = map[string]*regexp.Regexp{
	"proxy-mode":                        regexp.MustCompile(`^(iptables|ipvs|nftables)$`),
	"conntrack-max-per-core":            regexp.MustCompile(`^0$`),
	"conntrack-tcp-timeout-established": regexp.MustCompile(`^([0-9]+[hms])+$`),
	"ipvs-strict-arp":                   regexp.MustCompile(`^true$`),
}

// readSupervisor reads a drop-in of k3s or rke2.
func readSupervisor(f *artifact.File, p *pass) {
	var fs faults
	checkHeader(f.Bytes(), "#", siteOf(f), &fs)
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Bytes(), &doc); err != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		p.report(f, 0, ruleHostForms, "not a mapping of options")
		return
	}
	server, keys := "", map[string]*yaml.Node{}
	eachEntry(doc.Content[0], &fs, func(key, value *yaml.Node) {
		only, known := supervisorKeys[key.Value]
		if !known {
			fs.add(key.Line, "%s is no option that is in use", key.Value)
			return
		}
		if only {
			server = key.Value
		}
		if strings.HasSuffix(key.Value, "+") != (value.Kind == yaml.SequenceNode) {
			fs.add(key.Line, "%s is not a list, or a list that replaces another", key.Value)
			return
		}
		keys[key.Value] = value
	})
	if server != "" && keys["disable+"] == nil && keys["ingress-controller+"] == nil {
		fs.add(0, "%s is for servers, and what a server brings by itself is not turned off", server)
	}
	if server != "" && keys["tls-san+"] == nil {
		fs.add(0, "the certificate of a server is not for the address of the API")
	}
	eachText(keys["tls-san+"], func(n int, name string) {
		if !isAddr(name) && !hostName.MatchString(name) {
			fs.add(n, "tls-san %q is neither an address nor a host name", name)
		}
	})
	eachText(keys["kubelet-arg+"], func(n int, arg string) {
		value, ok := strings.CutPrefix(arg, "max-pods=")
		if pods, err := strconv.Atoi(value); !ok || err != nil || pods < 1 {
			fs.add(n, "kubelet-arg %q is none that is in use", arg)
		}
	})
	seen := []string{}
	eachText(keys["kube-proxy-arg+"], func(n int, arg string) {
		flag, value, _ := strings.Cut(arg, "=")
		if form := proxyFlags[flag]; form == nil || !form.MatchString(value) {
			fs.add(n, "kube-proxy-arg %q is none that is in use", arg)
		}
		seen = append(seen, flag)
	})
	if keys["kube-proxy-arg+"] != nil && !slices.Contains(seen, "conntrack-max-per-core") {
		fs.add(keys["kube-proxy-arg+"].Line, "no conntrack-max-per-core: kube-proxy would change the host's limit")
	}
	eachText(keys["node-label+"], func(n int, label string) {
		key, value, ok := strings.Cut(label, "=")
		if err := checkNodeLabel(key, value); !ok || err != "" {
			fs.add(n, "node-label %q: %s", label, err)
		}
	})
	eachText(keys["node-taint+"], func(n int, taint string) {
		if !taintForm.MatchString(taint) {
			fs.add(n, "node-taint %q is not of the form key=value:Effect", taint)
		}
	})
	for _, key := range sortedKeys(supervisorForms) {
		form := supervisorForms[key]
		if v := keys[key]; v != nil && !form.MatchString(v.Value) {
			fs.add(v.Line, "%s: %q is none that is in use", key, v.Value)
		}
	}
	if rke2 := strings.Contains(f.Path(), "/rke2/"); rke2 && keys["flannel-backend"] != nil || !rke2 && keys["cni"] != nil {
		fs.add(0, "the pod network is chosen by an option of another distribution")
	}
	if v := keys["flannel-backend"]; v != nil && v.Value != "none" && siteOf(f) == p.releases.Site {
		p.k3sNetwork = true
	}
	for _, fault := range fs {
		p.report(f, fault.line, ruleHostForms, "%s", fault.text)
	}
}

var taintForm = regexp.MustCompile(`^[A-Za-z0-9./_-]+=[A-Za-z0-9._-]*:(NoSchedule|PreferNoSchedule|NoExecute)$`)

// eachText visits the scalars of a list, which may be missing.
func eachText(list *yaml.Node, visit func(line int, text string)) {
	if list == nil {
		return
	}
	for _, n := range list.Content {
		visit(n.Line, n.Value)
	}
}
