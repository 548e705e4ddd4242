package verify

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// play is the part of an Ansible playbook that is in use (docs.ansible.com, Playbook keywords; the collection
// ansible.builtin, which every ansible-core has).
type play struct {
	Name     string         `yaml:"name"`
	Hosts    string         `yaml:"hosts"`
	Become   bool           `yaml:"become"`
	Facts    *bool          `yaml:"gather_facts"`
	Serial   int            `yaml:"serial"`
	MaxFail  *int           `yaml:"max_fail_percentage"`
	Force    bool           `yaml:"force_handlers"`
	Tasks    []playbookTask `yaml:"tasks"`
	Handlers []playbookTask `yaml:"handlers"`
}

type playbookTask struct {
	Name string `yaml:"name"`
	Copy *struct {
		Src   string `yaml:"src"`
		Dest  string `yaml:"dest"`
		Owner string `yaml:"owner"`
		Group string `yaml:"group"`
		Mode  string `yaml:"mode"`
	} `yaml:"ansible.builtin.copy"`
	File *struct {
		Path  string `yaml:"path"`
		State string `yaml:"state"`
	} `yaml:"ansible.builtin.file"`
	Systemd *struct {
		Name    string `yaml:"name"`
		State   string `yaml:"state"`
		Reload  bool   `yaml:"daemon_reload"`
		Enabled bool   `yaml:"enabled"`
	} `yaml:"ansible.builtin.systemd"`
	Shell *struct {
		Cmd string `yaml:"cmd"`
	} `yaml:"ansible.builtin.shell"`
	Command *struct {
		Cmd string `yaml:"cmd"`
	} `yaml:"ansible.builtin.command"`
	Package *struct {
		Name  []string `yaml:"name"`
		State string   `yaml:"state"`
	} `yaml:"ansible.builtin.package"`
	When       string `yaml:"when"`
	Notify     string `yaml:"notify"`
	Register   string `yaml:"register"`
	FailedWhen string `yaml:"failed_when"`
}

var tryRestart = regexp.MustCompile(`^systemctl try-restart [a-z0-9-]+\.service$`)

// readPlaybook reads the playbook: what is copied is in the tree, everything in the tree is copied, each handler exists and
// modules come before the settings that need them.
func readPlaybook(f *artifact.File, p *pass) {
	fail := func(format string, args ...any) { p.report(f, 0, ruleHostForms, format, args...) }
	var fs faults
	checkHeader(f.Bytes(), "#", siteOf(f), &fs)
	for _, fault := range fs {
		p.report(f, fault.line, ruleHostForms, "%s", fault.text)
	}
	var plays []play
	d := yaml.NewDecoder(bytes.NewReader(f.Bytes()))
	d.KnownFields(true)
	if err := d.Decode(&plays); err != nil || len(plays) != 1 {
		fail("not one play as it is in use here: %v", err)
		return
	}
	y := plays[0]
	inv := p.inventory()
	folders := map[string]bool{}
	for g := range strings.SplitSeq(y.Hosts, ":") {
		if inv.groups[g] == nil || inv.groups[g].folder == "" {
			fail("hosts: %q is no group of the inventory with files", g)
			continue
		}
		folders[inv.groups[g].folder] = true
	}
	if y.Serial < 1 || y.MaxFail == nil || *y.MaxFail != 0 || !y.Become || !y.Force {
		fail("the play does not go batch by batch as root and end at the first failure")
	}
	for _, name := range sortedKeys(inv.groups) {
		if n := inv.rackSize(name); n > 1 && y.Serial >= n {
			fail("serial %d takes %s, of %d machines, at once", y.Serial, name, n)
		}
	}
	handlers := []string{}
	for _, h := range y.Handlers {
		handlers = append(handlers, h.Name)
		if h.Command != nil && !tryRestart.MatchString(h.Command.Cmd) {
			fail("handler %q: %q is no command that is in use", h.Name, h.Command.Cmd)
		}
		if unit := map[string]string{"load the packet filter": "meshgen-firewall.service", "load the source addresses": sourcesUnit}[h.Name]; unit != "" {
			if s := h.Systemd; s == nil || s.Name != unit || s.State != "reloaded" || !s.Reload || !s.Enabled {
				fail("handler %q does not load it now and at every boot", h.Name)
			}
			continue
		}
		if h.Name == "set up the network cards" && (h.Systemd == nil || h.Systemd.Name != cardsUnit || !h.Systemd.Reload || !h.Systemd.Enabled) {
			fail("handler %q does not set them up now and at every boot", h.Name)
		}
		if h.Systemd != nil && (h.Systemd.State != "restarted" || !strings.HasSuffix(h.Systemd.Name, ".service")) {
			fail("handler %q restarts no service", h.Name)
		}
	}
	if m, s := slices.Index(handlers, "load modules"), slices.Index(handlers, "apply kernel settings"); m < 0 || s < m {
		fail("modules are not loaded before settings are applied")
	}
	copied := map[string]bool{}
	for _, t := range y.Tasks {
		if t.Copy == nil {
			continue
		}
		c := t.Copy
		if watched := strings.HasSuffix(c.Dest, "/kube-vip.yaml"); !watched && !slices.Contains(handlers, t.Notify) {
			fail("task %q notifies %q, which is no handler", t.Name, t.Notify)
		}
		if c.Owner != "root" || c.Group != "root" || c.Mode != "0644" || c.Src != "{{ meshgen_group }}"+c.Dest {
			fail("task %q does not copy a group's %s as root's, 0644", t.Name, c.Dest)
		}
		if !slices.ContainsFunc(y.Tasks, func(o playbookTask) bool {
			return o.File != nil && o.File.State == "directory" && o.File.Path == path.Dir(c.Dest) && o.When == t.When
		}) {
			fail("nothing makes the folder of %s", c.Dest)
		}
		for folder := range folders {
			if t.When == "" || strings.Contains(t.When, "'"+folder+"'") {
				copied[folder+c.Dest] = true
			}
		}
	}
	p.compareCopied(f, folders, copied)
}

// compareCopied compares what a playbook copies with the files of the groups.
func (p *pass) compareCopied(f *artifact.File, folders, copied map[string]bool) {
	for _, file := range p.tree.Files() {
		site, folder, onHost, ok := hostFile(file.Path())
		if !ok || site != siteOf(f) || !folders[folder] || !isHostPath(onHost) {
			continue
		}
		if !copied[folder+onHost] {
			p.report(f, 0, ruleHostForms, "nothing copies %s", file.Path())
		}
		delete(copied, folder+onHost)
	}
	for _, c := range sortedKeys(copied) {
		p.report(f, 0, ruleHostForms, "%s is copied, and is not in the tree", c)
	}
}

// rackSize is how many machines a rack has; 0 for other groups.
func (inv *inventory) rackSize(group string) int {
	if !strings.HasPrefix(group, "rack_") {
		return 0
	}
	n := 0
	for _, child := range inv.groups[group].children {
		n += len(inv.groups[child].hosts)
	}
	return n
}
