package diff

import (
	"path"
	"strings"
)

// reader is how a file is read.
type reader uint8

const (
	asText       reader = iota // line by line
	asObjects                  // documents of Kubernetes objects
	asYAML                     // YAML or JSON by key
	asValues                   // key = value
	asSwitch                   // statements in blocks by indentation; "!" begins a comment
	asStatements               // the same with "#"
	asPicture                  // shown by nobody line by line: it repeats what other files say
)

// fileKind says what the files of a pattern are.
type fileKind struct {
	pattern string // of path.Match by segment; "**" stands for any number of segments
	name    string
	read    reader
}

// fileKinds are the files of a tree; the first pattern that matches decides.
var fileKinds = []fileKind{
	{"kubernetes/**/*.yaml", "object", asObjects},
	{"gitops/**/*.yaml", "object", asObjects},
	{"charts/*/*/values.yaml", "chart values", asYAML},
	{"charts/*/*.yaml", "releases", asYAML},
	{"fabric/*/*.sonic.json", "switch", asYAML},
	{"fabric/*/*.conf", "switch", asSwitch},
	{"fabric/*/*.eos", "switch", asSwitch},
	{"fabric/*/*.nxos", "switch", asSwitch},
	{"fabric/*/*.sonic", "switch", asSwitch},
	{"fabric/*/flows.*", "flows", asText},
	{"fabric/**", "balancer", asText},
	{"hosts/**/etc/sysctl.d/*", "kernel settings", asValues},
	{"hosts/**/etc/modules-load.d/*", "kernel modules", asStatements},
	{"hosts/**/etc/modprobe.d/*", "kernel module options", asStatements},
	{"hosts/**/chrony.conf", "time service", asStatements},
	{"hosts/**/etc/ntpsec/*", "time service", asStatements},
	{"hosts/**/etc/default/ntpsec", "time service", asValues},
	{"hosts/**/etc/default/*", "kubelet flags", asValues},
	{"hosts/**/etc/sysconfig/*", "kubelet flags", asValues},
	{"hosts/**/kubelet.conf.d/*", "kubelet", asYAML},
	{"hosts/**/etc/rancher/**", "kubelet", asYAML},
	{"hosts/**/manifests/*.yaml", "static pod", asYAML},
	{"hosts/**/pod-manifests/*.yaml", "static pod", asYAML},
	{"hosts/**/etc/meshgen/*", "packet filter", asText},
	{"hosts/**/talos*.yaml", "machine configuration", asYAML},
	{"hosts/**/cloud-init.yaml", "machine configuration", asText},
	{"hosts/**/ignition.json", "machine configuration", asYAML},
	{"hosts/*/inventory.yaml", "inventory", asYAML},
	{"hosts/*/playbook.yaml", "playbook", asYAML},
	{"hosts/**", "host file", asText},
	{"checks/*.json", "expected state", asYAML},
	{"docs/**/*.json", "contract", asYAML},
	{"docs/**/*.svg", "picture", asPicture},
	{"docs/**/*.html", "page", asPicture},
	{"docs/**/*.md", "document", asText},
	{"**/*.sh", "script", asText},
	{"**", "file", asText},
}

// retold reports whether a file draws what other files of the tree say: a difference is told there, and in the description.
func retold(name string) bool {
	for _, pattern := range []string{"docs/*/index.html", "docs/*/topology.svg"} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// kindOf returns what a file of a tree is.
func kindOf(name string) fileKind {
	segments := strings.Split(name, "/")
	for _, k := range fileKinds {
		if matches(strings.Split(k.pattern, "/"), segments) {
			return k
		}
	}
	return fileKind{"", "file", asText}
}

func matches(pattern, segments []string) bool {
	for i, p := range pattern {
		if p == "**" {
			for n := i; n <= len(segments); n++ {
				if rest := pattern[i+1:]; len(rest) == 0 || matches(rest, segments[n:]) {
					return true
				}
			}
			return false
		}
		if i >= len(segments) {
			return false
		}
		if ok, err := path.Match(p, segments[i]); !ok || err != nil {
			return false
		}
	}
	return len(pattern) == len(segments)
}

// componentOf returns the component that a file belongs to.
func componentOf(name string) string {
	first, _, _ := strings.Cut(name, "/")
	for _, c := range Components {
		if c == first {
			return c
		}
	}
	return Others
}

// shortName is a file's path without the folders that every file of the component and site has.
func shortName(name, site string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		if p == site && i+1 < len(parts) {
			return strings.Join(parts[i+1:], "/")
		}
	}
	return name
}
