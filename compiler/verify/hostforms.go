package verify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleHostForms is about documents that carry the files of a group of hosts, and about the playbook.
const ruleHostForms = "MG9210" // a form of host configuration is not what its program reads

// hostFormVerifiers read the documents that carry host files inside them.
var hostFormVerifiers = []verifier{
	{"cloud-init", "hosts/*/*/cloud-init.yaml", readCloudInit},
	{"ignition", "hosts/*/*/ignition.json", readIgnition},
	{"talos", "hosts/*/*/talos.yaml", readTalos},
	{"talos firewall", talosFirewallGlob, readTalosFirewall},
	{"playbook", "hosts/*/playbook.yaml", readPlaybook},
	{"supervisor options", "hosts/*/*/etc/rancher/k3s/config.yaml.d/*.yaml", readSupervisor},
	{"supervisor options", "hosts/*/*/etc/rancher/rke2/config.yaml.d/*.yaml", readSupervisor},
	{"timesyncd", "hosts/*/*/etc/systemd/timesyncd.conf.d/*.conf", readLines(ruleHostForms, "#", func(f *artifact.File) faults { return parseTimesyncd(f.Bytes()) })},
}

// isHostPath reports whether files of machines lie there: configuration, and the static pods of distributions that keep
// them elsewhere.
func isHostPath(path string) bool {
	return strings.HasPrefix(path, "/etc/") || strings.HasPrefix(path, "/var/lib/rancher/")
}

// carry takes a file that a document carries: the verifier of its path reads it like one of the tree, and where the tree
// has the same file for the group, the two must be equal.
func (p *pass) carry(f *artifact.File, onHost, mode string, data []byte) {
	p.carryTo(f, path.Dir(f.Path()), onHost, mode, data)
}

// carryTo is carry for a document that lies elsewhere than the folder of the group.
func (p *pass) carryTo(f *artifact.File, folder, onHost, mode string, data []byte) {
	fail := func(format string, args ...any) { p.report(f, 0, ruleHostForms, format, args...) }
	if !path.IsAbs(onHost) || path.Clean(onHost) != onHost || !isHostPath(onHost) {
		fail("%q is no clean path below /etc or in a folder of static pods", onHost)
		return
	}
	if mode != "0644" {
		fail("%s has mode %s: what these programs read is 0644", onHost, mode)
	}
	at := folder + onHost
	if own := p.tree.Lookup(at); own != nil {
		if !bytes.Equal(own.Bytes(), data) {
			fail("%s differs from %s", onHost, at)
		}
		return
	}
	inner := artifact.NewTree().File(at, f.Origins()...)
	inner.Line(strings.TrimSuffix(string(data), "\n"))
	for _, other := range p.carried {
		if other.Path() == at {
			if !bytes.Equal(other.Bytes(), inner.Bytes()) {
				fail("%s differs from that of another form", onHost)
			}
			return
		}
	}
	p.carried = append(p.carried, inner)
}

// readCarried gives each carried file to the verifier of its path.
func (p *pass) readCarried() {
	for _, f := range p.carried {
		if v, ok := claim(f.Path()); ok {
			v.check(f, p)
		} else {
			p.report(f, 0, ruleHostForms, "no verifier reads files of this path")
		}
	}
}

// siteOf returns the site in a path below hosts.
func siteOf(f *artifact.File) string { return strings.Split(f.Path(), "/")[1] }

// cloudConfig is the part of user-data that is in use (cloudinit.readthedocs.io, Modules: write_files, runcmd, packages).
type cloudConfig struct {
	Packages   []string    `yaml:"packages"`
	WriteFiles []cloudFile `yaml:"write_files"`
	RunCmd     []string    `yaml:"runcmd"`
}

type cloudFile struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// ownUnits are the systemd units among the files of machines, by the file that each of them is for.
var ownUnits = map[string]string{"/etc/meshgen/firewall.nft": "meshgen-firewall.service", "/etc/meshgen/egress.nft": sourcesUnit, cardsPath: cardsUnit}

func readCloudInit(f *artifact.File, p *pass) {
	first, rest, _ := bytes.Cut(f.Bytes(), []byte("\n"))
	if string(first) != "#cloud-config" {
		p.report(f, 1, ruleHostForms, "cloud-init takes user-data for a cloud-config only when its first line is #cloud-config")
	}
	var fs faults
	checkHeader(rest, "#", siteOf(f), &fs)
	for _, fault := range fs {
		p.report(f, fault.line+1, ruleHostForms, "%s", fault.text)
	}
	var c cloudConfig
	d := yaml.NewDecoder(bytes.NewReader(f.Bytes()))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		p.report(f, 0, ruleHostForms, "not a cloud-config as it is in use here: %v", err)
		return
	}
	if len(c.WriteFiles) == 0 {
		p.report(f, 0, ruleHostForms, "the user-data writes no file")
	}
	for _, w := range c.WriteFiles {
		if w.Owner != "root:root" {
			p.report(f, 0, ruleHostForms, "%s belongs to %q", w.Path, w.Owner)
		}
		p.carry(f, w.Path, w.Permissions, []byte(w.Content))
	}
	modules := slices.Index(c.RunCmd, "systemctl restart systemd-modules-load.service")
	sysctls := slices.Index(c.RunCmd, "systemctl restart systemd-sysctl.service")
	if modules < 0 || sysctls < modules {
		p.report(f, 0, ruleHostForms, "runcmd does not load modules and apply settings, in this order")
	}
	units := 0
	for script, unit := range ownUnits {
		brings := slices.ContainsFunc(c.WriteFiles, func(w cloudFile) bool { return w.Path == script })
		if brings {
			units++
		}
		if brings != slices.Contains(c.RunCmd, "systemctl enable --now "+unit) {
			p.report(f, 0, ruleHostForms, "it brings %s and does not start %s, or the other way round", script, unit)
		}
	}
	if (units > 0) != slices.Contains(c.RunCmd, "systemctl daemon-reload") {
		p.report(f, 0, ruleHostForms, "systemd does not see the units that it brings, or it brings none")
	}
	if filter := slices.ContainsFunc(c.WriteFiles, func(w cloudFile) bool { return strings.HasSuffix(w.Path, ".nft") }); filter != slices.Contains(c.Packages, "nftables") {
		p.report(f, 0, ruleHostForms, "the filter that it brings is not installed, or one that it does not bring is")
	}
	for _, cmd := range c.RunCmd {
		if !restartCommand.MatchString(cmd) {
			p.report(f, 0, ruleHostForms, "runcmd %q is none that is in use", cmd)
		}
	}
}

var restartCommand = regexp.MustCompile(`^systemctl (?:restart [a-z0-9-]+\.service|daemon-reload|enable --now meshgen-(?:firewall|egress|cards)\.service)$`)

// ignitionConfig is the part of the Ignition specification 3 that is in use (coreos.github.io/ignition, configuration v3.3.0).
type ignitionConfig struct {
	Ignition struct {
		Version string `json:"version"`
	} `json:"ignition"`
	Storage struct {
		Files []struct {
			Path      string `json:"path"`
			Mode      int    `json:"mode"`
			Overwrite bool   `json:"overwrite"`
			Contents  struct {
				Source string `json:"source"`
			} `json:"contents"`
		} `json:"files"`
	} `json:"storage"`
	Systemd struct {
		Units []struct {
			Name    string `json:"name"`
			Enabled bool   `json:"enabled"`
		} `json:"units"`
	} `json:"systemd"`
}

func readIgnition(f *artifact.File, p *pass) {
	var c ignitionConfig
	d := json.NewDecoder(bytes.NewReader(f.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		p.report(f, 0, ruleHostForms, "not an Ignition configuration as it is in use here: %v", err)
		return
	}
	if c.Ignition.Version != "3.3.0" {
		p.report(f, 0, ruleHostForms, "version %q of the specification is not the one in use", c.Ignition.Version)
	}
	if len(c.Storage.Files) == 0 {
		p.report(f, 0, ruleHostForms, "the configuration writes no file")
	}
	for _, w := range c.Storage.Files {
		data, ok := strings.CutPrefix(w.Contents.Source, "data:;base64,")
		text, err := base64.StdEncoding.DecodeString(data)
		if !ok || err != nil {
			p.report(f, 0, ruleHostForms, "%s has no contents in base64", w.Path)
			continue
		}
		if !w.Overwrite {
			p.report(f, 0, ruleHostForms, "%s does not overwrite: where the image has the file, the machine does not boot", w.Path)
		}
		mode := "another"
		if w.Mode == 0o644 {
			mode = "0644"
		}
		p.carry(f, w.Path, mode, text)
	}
	for script, unit := range ownUnits {
		brings := false
		for _, w := range c.Storage.Files {
			brings = brings || w.Path == script
		}
		enabled := false
		for _, u := range c.Systemd.Units {
			enabled = enabled || u.Name == unit
		}
		if brings != enabled {
			p.report(f, 0, ruleHostForms, "it brings %s and does not enable %s, or the other way round", script, unit)
		}
	}
	for _, u := range c.Systemd.Units {
		if !strings.HasSuffix(u.Name, ".service") || !u.Enabled {
			p.report(f, 0, ruleHostForms, "unit %q is not a service that is enabled", u.Name)
		}
	}
}

// parseTimesyncd reads a drop-in of timesyncd.conf(5).
func parseTimesyncd(data []byte) faults {
	var fs faults
	section, seen := "", map[string]bool{}
	scanLines(data, &fs, func(n int, line string) {
		if line == "" || line[0] == '#' {
			return
		}
		if line[0] == '[' {
			section = line
			return
		}
		key, value, ok := strings.Cut(line, "=")
		switch {
		case !ok || section != "[Time]" || key != "NTP" && key != "FallbackNTP":
			fs.add(n, "timesyncd has no option %q here", line)
		case seen[key]:
			fs.add(n, "%s stands twice", key)
		case key == "NTP" && value == "":
			fs.add(n, "no server of time")
		case key == "FallbackNTP" && value != "":
			fs.add(n, "FallbackNTP names servers that the site does not declare")
		}
		seen[key] = true
		for _, server := range strings.Fields(value) {
			if !isAddr(server) && !hostName.MatchString(server) {
				fs.add(n, "%q is neither an address nor a host name", server)
			}
		}
	})
	if !seen["NTP"] || !seen["FallbackNTP"] {
		fs.add(0, "not both of NTP and FallbackNTP: the servers of the image would be asked as well")
	}
	return fs
}
