package verify

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// kubeVIPVariables are the variables that kube-vip 1.2.3 reads (pkg/kubevip/config_envvar.go), as far as they are used:
// what it does not know it passes over in silence.
var kubeVIPVariables = map[string]func(string) bool{
	"vip_nodename": envAnything, "prometheus_server": envListen, "svc_enable": envBool, "svc_election": envBool,
	"lb_class_only": envBool, "lb_class_name": isQualifiedName, "vip_arp": envBool, "vip_interface": envInterface,
	"vip_servicesinterface": envInterface, "bgp_enable": envBool, "bgp_routerid": envAnything, "bgp_as": envASN,
	"bgp_hold_time": envNumber, "bgp_keepalive_interval": envNumber, "bgp_peers": envAnything,
	"cp_enable": envBool, "cp_namespace": isDNSLabel, "address": isAddr, "port": envPort, "vip_leaderelection": envBool,
	"vip_leaseduration": envNumber, "vip_renewdeadline": envNumber, "vip_retryperiod": envNumber,
	"egress_withnftables": envBool, "egress_podcidr": envPrefixes, "egress_servicecidr": envPrefixes,
}

func envAnything(string) bool    { return true }
func envBool(s string) bool      { return s == "true" || s == "false" }
func envNumber(s string) bool    { n, err := strconv.ParseUint(s, 10, 31); return err == nil && n > 0 }
func envASN(s string) bool       { n, err := strconv.ParseUint(s, 10, 32); return err == nil && n > 0 }
func envPort(s string) bool      { n, err := strconv.ParseUint(s, 10, 16); return err == nil && n > 0 }
func envInterface(s string) bool { return s != "" && len(s) < 16 && !strings.ContainsAny(s, "/: ") }
func envPrefixes(s string) bool {
	return !slices.ContainsFunc(strings.Split(s, ","), func(p string) bool { q, err := netip.ParsePrefix(p); return err != nil || q != q.Masked() })
}
func envListen(s string) bool     { return strings.HasPrefix(s, ":") && envPort(s[1:]) }
func isKubeVIP(image string) bool { return strings.Contains(image, "/kube-vip/kube-vip:") }

// environment returns the environment of a container of kube-vip, "" for what a field or a Secret gives; nil when it is
// another program's.
func environment(container any) map[string]string {
	if !isKubeVIP(str(container, "image")) {
		return nil
	}
	out := map[string]string{}
	for _, v := range list(container, "env") {
		out[str(v, "name")] = str(v, "value")
	}
	return out
}

// checkKubeVIP reads the environment of kube-vip's containers as it does itself.
func checkKubeVIP(p *pass, o *object, at fieldPath, spec any) {
	for i, c := range list(spec, "containers") {
		env := environment(c)
		if env == nil {
			continue
		}
		at := at.to("containers").at(i)
		if args := strs(c, "args"); len(args) != 1 || args[0] != "manager" {
			o.report(p, ruleWorkload, at.to("args"), "kube-vip runs as manager alone")
		}
		for _, name := range sortedKeys(env) {
			valid := kubeVIPVariables[name]
			switch {
			case name == "MESHGEN_BGP_PASSWORD":
			case valid == nil:
				o.report(p, ruleWorkload, at.to("env"), "kube-vip reads no variable %s", name)
			case env[name] != "" && !valid(env[name]):
				o.report(p, ruleWorkload, at.to("env"), "%s: %q is no value of it", name, env[name])
			}
		}
		if on(env, "vip_arp") == on(env, "bgp_enable") {
			o.report(p, ruleWorkload, at.to("env"), "kube-vip runs in one mode: vip_arp or bgp_enable")
		}
		if on(env, "svc_enable") == on(env, "cp_enable") {
			o.report(p, ruleWorkload, at.to("env"), "either svc_enable or cp_enable: each has a program of its own")
		}
		if on(env, "svc_enable") && (!on(env, "lb_class_only") || env["lb_class_name"] == "") {
			o.report(p, ruleWorkload, at.to("env"), "without lb_class_only and lb_class_name it takes the Services of other load balancers")
		}
		if on(env, "svc_enable") && on(env, "vip_arp") && !on(env, "svc_election") {
			o.report(p, ruleWorkload, at.to("env"), "without svc_election one node holds all addresses, whether or not it has a pod behind them")
		}
		if on(env, "cp_enable") && (env["address"] == "" || !on(env, "vip_leaderelection")) {
			o.report(p, ruleWorkload, at.to("env"), "the address of the API needs address and vip_leaderelection")
		}
		if on(env, "bgp_enable") {
			if _, has := env["bgp_routerid"]; !has || env["bgp_as"] == "" {
				o.report(p, ruleWorkload, at.to("env"), "BGP needs bgp_as and bgp_routerid")
			}
			if _, err := kubeVIPPeers(env["bgp_peers"]); err != nil {
				o.report(p, ruleWorkload, at.to("env"), "bgp_peers: %v", err)
			}
		}
	}
	if get(spec, "hostNetwork") != true && len(list(spec, "containers")) > 0 && environment(list(spec, "containers")[0]) != nil {
		o.report(p, ruleWorkload, at.to("hostNetwork"), "kube-vip announces addresses of the host's network")
	}
}

func on(env map[string]string, name string) bool { return env[name] == "true" }

// checkDaemonSet checks a DaemonSet, and kube-vip's environment in it.
func checkDaemonSet(p *pass, o *object) {
	checkWorkload(p, o)
	at := fieldPath{"spec", "template", "spec"}
	checkKubeVIP(p, o, at, get(o.value, at...))
}

// readStaticPod is the verifier of the kubelet's own pods: each is one Pod, of kube-vip.
func readStaticPod(f *artifact.File, p *pass) {
	docs := p.documents(f)
	if len(docs) != 1 {
		p.report(f, 0, ruleYAML, "the file of a static pod is one document, not %d", len(docs))
	}
	for _, n := range docs {
		o := p.addObject(f, n, "static pod")
		switch {
		case o == nil:
		case !o.is("", "Pod") || len(list(o.value, "spec", "containers")) != 1 || environment(list(o.value, "spec", "containers")[0]) == nil:
			o.report(p, ruleSchema, nil, "the static pods of meshgen are kube-vip's")
		default:
			p.checkPods(o, fieldPath{})
			checkKubeVIP(p, o, fieldPath{"spec"}, get(o.value, "spec"))
			checkAPIAddress(p, f, o)
		}
	}
}

// staticPodKubeconfigs are the kubeconfigs of control-plane nodes, by the folder that the kubelet starts pods from.
var staticPodKubeconfigs = map[string]string{
	"/etc/kubernetes/manifests":                 "/etc/kubernetes/admin.conf",
	"/var/lib/rancher/k3s/agent/pod-manifests":  "/etc/rancher/k3s/k3s.yaml",
	"/var/lib/rancher/rke2/agent/pod-manifests": "/etc/rancher/rke2/rke2.yaml",
}

// checkAPIAddress checks that a static pod reaches its own machine's API server with that machine's kubeconfig: kube-vip
// looks for it in one place, and puts the name "kubernetes" in place of the server's in it.
func checkAPIAddress(p *pass, f *artifact.File, o *object) {
	_, onHost, _ := strings.Cut(strings.TrimPrefix(f.Path(), "hosts/"+siteOf(f)+"/"), "/")
	want := staticPodKubeconfigs[path.Dir("/"+onHost)]
	volumes, mounts := list(o.value, "spec", "volumes"), list(list(o.value, "spec", "containers")[0], "volumeMounts")
	if want == "" || len(volumes) != 1 || str(volumes[0], "hostPath", "path") != want || str(volumes[0], "hostPath", "type") != "File" {
		o.report(p, ruleWorkload, fieldPath{"spec", "volumes"}, "the kubeconfig of this machine is %q, as a file", want)
	}
	if len(mounts) != 1 || str(mounts[0], "mountPath") != "/etc/kubernetes/admin.conf" {
		o.report(p, ruleWorkload, fieldPath{"spec", "containers"}, "kube-vip looks for its kubeconfig at /etc/kubernetes/admin.conf")
	}
	aliases := list(o.value, "spec", "hostAliases")
	if len(aliases) != 1 || str(aliases[0], "ip") != "127.0.0.1" || !slices.Equal(strs(aliases[0], "hostnames"), []string{"kubernetes"}) {
		o.report(p, ruleWorkload, fieldPath{"spec", "hostAliases"}, "\"kubernetes\" is not this machine")
	}
}

// A kubeVIPPeer is an element of bgp_peers.
type kubeVIPPeer struct {
	address  string
	asn      uint32
	secret   string // the password's field
	multihop bool
	bfd      *bfdTimers
}

// kubeVIPPeers parses address:AS:password:multihop:port:families:BFD as pkg/kubevip/config_bgp.go does.
func kubeVIPPeers(text string) ([]kubeVIPPeer, error) {
	var out []kubeVIPPeer
	for part := range strings.SplitSeq(text, ",") {
		var p kubeVIPPeer
		rest := part
		if strings.HasPrefix(part, "[") {
			a, r, ok := strings.Cut(part[1:], "]")
			if !ok {
				return nil, fmt.Errorf("%q has no closing bracket", part)
			}
			p.address, rest = a, r
		}
		fields := strings.Split(rest, ":")
		if p.address == "" {
			p.address = fields[0]
		}
		if _, err := netip.ParseAddr(p.address); err != nil || len(fields) < 4 || len(fields) > 7 || !envASN(fields[1]) || !envBool(fields[3]) {
			return nil, fmt.Errorf("%q is not address:AS:password:multihop", part)
		}
		n, _ := strconv.ParseUint(fields[1], 10, 32)
		p.asn, p.secret, p.multihop = uint32(n), fields[2], fields[3] == "true"
		if p.secret != "" && p.secret != "$(MESHGEN_BGP_PASSWORD)" {
			return nil, fmt.Errorf("%q holds a password", part)
		}
		if len(fields) > 4 && fields[4] != "179" {
			return nil, fmt.Errorf("%q: kube-vip reads a port and connects to 179", part)
		}
		if len(fields) == 7 {
			if p.bfd = kubeVIPBFD(fields[6]); p.bfd == nil {
				return nil, fmt.Errorf("%q is no BFD true;interval;interval;multiplier in microseconds, whole milliseconds of them", fields[6])
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// kubeVIPBFD reads "true;300000;300000;3": kube-vip hands the intervals to GoBGP, which takes them for microseconds.
func kubeVIPBFD(text string) *bfdTimers {
	fields := strings.Split(text, ";")
	if len(fields) != 4 || fields[0] != "true" {
		return nil
	}
	var n [3]int
	for i, f := range fields[1:] {
		v, err := strconv.Atoi(f)
		if err != nil || v < 1 || i < 2 && v%1000 != 0 {
			return nil
		}
		n[i] = v
	}
	return &bfdTimers{n[1] / 1000, n[0] / 1000, n[2], 0}
}

// kubeVIPDocument is what is read of a DaemonSet for sessions.
type kubeVIPDocument struct {
	Metadata struct {
		Name        string            `yaml:"name"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec struct {
		Template struct {
			Spec struct {
				Affinity struct {
					NodeAffinity struct {
						Required struct {
							Terms []selector `yaml:"nodeSelectorTerms"`
						} `yaml:"requiredDuringSchedulingIgnoredDuringExecution"`
					} `yaml:"nodeAffinity"`
				} `yaml:"affinity"`
				Containers []struct {
					Image string `yaml:"image"`
					Env   []struct {
						Name      string `yaml:"name"`
						Value     string `yaml:"value"`
						ValueFrom struct {
							SecretKeyRef struct {
								Name string `yaml:"name"`
							} `yaml:"secretKeyRef"`
						} `yaml:"valueFrom"`
					} `yaml:"env"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// takeKubeVIP reads the sessions that a DaemonSet of kube-vip opens, and what it may announce. What it cannot read is
// reported with the object.
func (o *lbObjects) takeKubeVIP(file string, node *yaml.Node) {
	var d kubeVIPDocument
	if node.Decode(&d) != nil {
		return
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		if !isKubeVIP(c.Image) {
			continue
		}
		env, secret := map[string]string{}, ""
		for _, v := range c.Env {
			env[v.Name] = v.Value
			if v.Name == "MESHGEN_BGP_PASSWORD" {
				secret = v.ValueFrom.SecretKeyRef.Name
			}
		}
		if !on(env, "bgp_enable") {
			continue
		}
		peers, _ := kubeVIPPeers(env["bgp_peers"])
		asn, _ := strconv.ParseUint(env["bgp_as"], 10, 32)
		hold, _ := strconv.Atoi(env["bgp_hold_time"])
		keepalive, _ := strconv.Atoi(env["bgp_keepalive_interval"])
		advert := &advertisement{name: d.Metadata.Name, file: file, line: node.Line, lengthV4: 32, lengthV6: 128,
			pools: o.kubeVIPPools(d.Metadata.Name, d.Metadata.Annotations["meshgen.dev/pools"], file, node.Line)}
		for _, k := range peers {
			p := &bgpPeer{
				name: "of DaemonSet " + d.Metadata.Name + " to " + k.address, file: file, line: node.Line, myASN: uint32(asn), peerASN: k.asn,
				peerAddress: k.address, hold: hold, keepalive: keepalive, multihop: k.multihop,
				nodeSelectors: d.Spec.Template.Spec.Affinity.NodeAffinity.Required.Terms,
			}
			if k.secret != "" {
				p.passwordSecret = secret
			}
			if k.bfd != nil {
				p.bfdProfile = p.name
				o.bfd[p.name] = k.bfd
			}
			o.peers = append(o.peers, p)
			advert.peers = append(advert.peers, p.name)
		}
		o.adverts = append(o.adverts, advert)
	}
}

// kubeVIPPools reads "name: range range; name: range" and returns the names, each with that of its DaemonSet in front.
func (o *lbObjects) kubeVIPPools(owner, text, file string, line int) []string {
	var names []string
	for part := range strings.SplitSeq(text, "; ") {
		name, ranges, ok := strings.Cut(part, ": ")
		if !ok {
			continue
		}
		name = owner + "/" + name
		o.pools[name] = &addressPool{file: file, line: line, addresses: strings.Fields(ranges)}
		names = append(names, name)
	}
	return names
}

// workloadPort returns the number of a named port of the workloads of the tree that a monitor selects, 0 for none.
func (p *pass) workloadPort(namespaces []string, selector any, name string) int64 {
	for _, o := range p.objects {
		template := get(o.value, "spec", "template")
		if o.group != "apps" || !slices.Contains(namespaces, o.namespace) || !takes(selector, dict(template, "metadata", "labels")) {
			continue
		}
		for _, c := range list(template, "spec", "containers") {
			for _, port := range list(c, "ports") {
				if str(port, "name") == name {
					n, _ := integer(port, "containerPort")
					return n
				}
			}
		}
	}
	return 0
}
