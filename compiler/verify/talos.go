package verify

import (
	"bytes"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// talosMachine is the part of the v1alpha1 machine configuration that is in use, and talosTime the document of the time
// (siderolabs/talos v1.12.11 pkg/machinery/config/types/v1alpha1/v1alpha1_types.go, network/time_sync.go).
type talosMachine struct {
	Machine struct {
		Sysctls map[string]string `yaml:"sysctls"`
		Kernel  struct {
			Modules []struct {
				Name       string   `yaml:"name"`
				Parameters []string `yaml:"parameters"`
			} `yaml:"modules"`
		} `yaml:"kernel"`
		Kubelet struct {
			ExtraConfig map[string]any `yaml:"extraConfig"`
			NodeIP      struct {
				ValidSubnets []string `yaml:"validSubnets"`
			} `yaml:"nodeIP"`
		} `yaml:"kubelet"`
		NodeLabels map[string]string `yaml:"nodeLabels"`
		NodeTaints map[string]string `yaml:"nodeTaints"`
	} `yaml:"machine"`
	Cluster *struct {
		ControlPlane struct {
			Endpoint string `yaml:"endpoint"`
		} `yaml:"controlPlane"`
		APIServer struct {
			CertSANs []string `yaml:"certSANs"`
		} `yaml:"apiServer"`
		AllowScheduling *bool `yaml:"allowSchedulingOnControlPlanes"`
		Network         struct {
			CNI struct {
				Name string `yaml:"name"`
			} `yaml:"cni"`
		} `yaml:"network"`
		Etcd struct {
			AdvertisedSubnets []string `yaml:"advertisedSubnets"`
		} `yaml:"etcd"`
		Proxy struct {
			Disabled  bool              `yaml:"disabled"`
			Mode      string            `yaml:"mode"`
			ExtraArgs map[string]string `yaml:"extraArgs"`
		} `yaml:"proxy"`
	} `yaml:"cluster"`
}

type talosTime struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	NTP        struct {
		Servers []string `yaml:"servers"`
	} `yaml:"ntp"`
}

// talosTaint is the form of a value of nodeTaints (pkg/machinery/labels, ValidateTaints).
var talosTaint = regexp.MustCompile(`^[A-Za-z0-9._-]*:(NoSchedule|PreferNoSchedule|NoExecute)$`)

// talosClock is a PTP clock of the machine by the kernel's name.
var talosClock = regexp.MustCompile(`^/dev/ptp[0-9]+$`)

const conntrackBuckets = "net.netfilter.nf_conntrack_buckets"

// readTalos reads the patches of a group of machines.
func readTalos(f *artifact.File, p *pass) {
	fail := func(format string, args ...any) { p.report(f, 0, ruleHostForms, format, args...) }
	var fs faults
	checkHeader(f.Bytes(), "#", siteOf(f), &fs)
	for _, fault := range fs {
		p.report(f, fault.line, ruleHostForms, "%s", fault.text)
	}
	d := yaml.NewDecoder(bytes.NewReader(f.Bytes()))
	d.KnownFields(true)
	var m talosMachine
	var t talosTime
	if err := d.Decode(&m); err != nil {
		fail("not a patch of the machine configuration as it is in use here: %v", err)
		return
	}
	if err := d.Decode(&t); err != nil {
		fail("no document for the time: %v", err)
		return
	}
	if t.APIVersion != "v1alpha1" || t.Kind != "TimeSyncConfig" || len(t.NTP.Servers) == 0 {
		fail("the second document is no TimeSyncConfig with servers")
	}
	for _, s := range t.NTP.Servers {
		// A name below /dev is read as a PTP clock (internal/pkg/ntp, IsPTPDevice).
		if !isAddr(s) && !hostName.MatchString(s) && !talosClock.MatchString(s) {
			fail("time server %q is neither an address, a host name nor a PTP clock", s)
		}
	}
	checkTalosCards(d, fail)
	m.checkKernel(fail)
	if pods, ok := m.Machine.Kubelet.ExtraConfig["maxPods"].(int); !ok || pods < 1 || len(m.Machine.Kubelet.ExtraConfig) != 1 {
		fail("extraConfig of the kubelet is not maxPods alone")
	}
	m.checkNets(fail)
	for _, key := range sortedKeys(m.Machine.NodeLabels) {
		if err := checkNodeLabel(key, m.Machine.NodeLabels[key]); err != "" {
			fail("nodeLabels: %s", err)
		}
	}
	for _, key := range sortedKeys(m.Machine.NodeTaints) {
		if !talosTaint.MatchString(m.Machine.NodeTaints[key]) {
			fail("nodeTaints: %s: %q is not of the form value:Effect", key, m.Machine.NodeTaints[key])
		}
	}
	if m.Cluster == nil {
		fail("no cluster: the machine would look for the API where it was installed to")
	} else if u, err := url.Parse(m.Cluster.ControlPlane.Endpoint); err != nil || u.Scheme != "https" || u.Port() == "" || u.Path != "" || !isAddr(u.Hostname()) && !hostName.MatchString(u.Hostname()) {
		fail("endpoint %q is no https URL with an address or a name, and a port", m.Cluster.ControlPlane.Endpoint)
	}
	if c := m.Cluster; c != nil && c.AllowScheduling != nil { // what a control plane has besides
		if len(c.APIServer.CertSANs) == 0 {
			fail("the certificate of the API is not for its address")
		}
		for _, name := range c.APIServer.CertSANs {
			if !isAddr(name) && !hostName.MatchString(name) {
				fail("certSANs: %q is neither an address nor a host name", name)
			}
		}
		if name := c.Network.CNI.Name; name != "" && name != "none" {
			fail("cni %q is not in use", name)
		}
		if c.Proxy.Disabled == (c.Proxy.Mode != "") {
			fail("kube-proxy is neither disabled nor has a mode, or both")
		}
		args := map[string]string{"proxy-mode": c.Proxy.Mode}
		for k, v := range c.Proxy.ExtraArgs {
			args[k] = v
		}
		for _, k := range sortedKeys(args) {
			if form := proxyFlags[k]; !c.Proxy.Disabled && (form == nil || !form.MatchString(args[k])) {
				fail("kube-proxy: %s=%s is none that is in use", k, args[k])
			}
		}
		if !c.Proxy.Disabled && args["conntrack-max-per-core"] == "" {
			fail("no conntrack-max-per-core: kube-proxy would change the host's limit")
		}
	}
}

// checkNets holds the networks that addresses are taken from to their form, and those of etcd to be the kubelet's.
func (m *talosMachine) checkNets(fail func(string, ...any)) {
	nets := m.Machine.Kubelet.NodeIP.ValidSubnets
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n); err != nil || p != p.Masked() {
			fail("nodeIP: %q is not a network", n)
		}
	}
	if m.Cluster != nil && m.Cluster.AllowScheduling != nil && !slices.Equal(m.Cluster.Etcd.AdvertisedSubnets, nets) {
		fail("etcd is advertised in %v, and the node has its address of %v", m.Cluster.Etcd.AdvertisedSubnets, nets)
	}
}

// checkKernel holds the settings against the catalogue. The modules that settings belong to are in the kernel of Talos.
func (m *talosMachine) checkKernel(fail func(string, ...any)) {
	var settings []sysctlSetting
	for _, key := range sortedKeys(m.Machine.Sysctls) {
		settings = append(settings, sysctlSetting{key: key, value: m.Machine.Sysctls[key]})
		if key == conntrackBuckets { // elsewhere a parameter of the module decides, which a kernel without modules has not
			continue
		}
		if err := checkSysctl(key, m.Machine.Sysctls[key]); err != "" {
			fail("%s", err)
		}
	}
	for _, fault := range checkSysctlSet(settings, kernelModules) {
		fail("%s", fault.text)
	}
	for _, mod := range m.Machine.Kernel.Modules {
		if !kernelModules[mod.Name] {
			fail("%q is not a known kernel module", mod.Name)
		}
	}
	most, err1 := strconv.Atoi(m.Machine.Sysctls["net.netfilter.nf_conntrack_max"])
	buckets, err2 := strconv.Atoi(m.Machine.Sysctls[conntrackBuckets])
	if err1 != nil || err2 != nil || most > 8*buckets || most < buckets {
		fail("nf_conntrack_max %d does not go with %d buckets", most, buckets)
	}
}
