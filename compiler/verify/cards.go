package verify

import (
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

const (
	cardsPath     = "/etc/meshgen/cards.sh"
	cardsUnit     = "meshgen-cards.service"
	cardsUnitPath = "/etc/systemd/system/" + cardsUnit
)

// cardsSetup is what a script does to the network cards of a machine.
type cardsSetup struct {
	cards []string
	ring  string // sizes as ethtool takes them; "": none
	mask  string // of CPUs; "": no steering
	flows int
}

// The parts of a script, each whole: what stands between its variable places is what makes it safe to run again.
var (
	cardsHead = "set -u\ncards=${MESHGEN_CARDS:-/sys/class/net}\nfailed=0\n"
	cardsRing = regexp.MustCompile(`(?s)^ring\(\) \{\n    linked=\$\(cat "\$cards/\$1/carrier" 2>/dev/null\)\n    ethtool -G "\$1" (rx [1-9][0-9]*(?: tx [1-9][0-9]*)?)\n` +
		`    case \$\? in 0 \| 80\) ;; \*\) return 1 ;; esac\n    \[ "\$linked" = 1 \] \|\| return 0\n    for second in [0-9 ]+; do\n        sleep 1\n` +
		`        \[ "\$\(cat "\$cards/\$1/carrier" 2>/dev/null\)" = 1 \] && return 0\n    done\n    echo "[^"\n]*"\n    exit 1\n\}\n`)
	cardsSteer = regexp.MustCompile(`^steer\(\) \{\n    card=\$1\n    set -- "\$cards/\$card/queues"/rx-\*\n    for queue; do\n` +
		`        echo ([0-9a-f]{8}(?:,[0-9a-f]{8})*) >"\$queue/rps_cpus" \|\| return 1\n(?:        echo \$\(\(([1-9][0-9]*) / \$#\)\) >"\$queue/rps_flow_cnt" \|\| return 1\n)?    done\n\}\n`)
	cardsLoop = regexp.MustCompile(`^for card in ([^;\n]+); do\n    if \[ -e "\$cards/\$card" \]( && ring "\$card")?( && steer "\$card")?; then continue; fi\n    echo "\$card: not set up"\n    failed=1\ndone\nexit \$failed\n$`)
	cardName  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$`)
)

// parseCards reads a script.
func parseCards(data []byte) (cardsSetup, faults) {
	var fs faults
	var c cardsSetup
	var b strings.Builder
	scanLines(data, &fs, func(_ int, line string) {
		if line != "" && line[0] != '#' {
			b.WriteString(line + "\n")
		}
	})
	rest, ok := strings.CutPrefix(b.String(), cardsHead)
	if !ok {
		fs.add(0, "the script does not begin as it is in use here")
	}
	if m := cardsRing.FindStringSubmatch(rest); m != nil {
		c.ring, rest = m[1], rest[len(m[0]):]
		for _, size := range strings.Fields(c.ring) {
			if n, err := strconv.Atoi(size); err == nil && (n < 16 || n > 65536) {
				fs.add(0, "a ring of %d packets", n)
			}
		}
	}
	if m := cardsSteer.FindStringSubmatch(rest); m != nil {
		c.mask, rest = m[1], rest[len(m[0]):]
		c.flows, _ = strconv.Atoi(m[2])
		if !firstCPUs(c.mask) {
			fs.add(0, "%q is not the first CPUs of a machine", c.mask)
		}
	}
	m := cardsLoop.FindStringSubmatch(rest)
	if m == nil {
		fs.add(0, "the script does not go from card to card, or does more than rings and steering")
		return c, fs
	}
	if (m[2] != "") != (c.ring != "") || (m[3] != "") != (c.mask != "") || m[2]+m[3] == "" {
		fs.add(0, "the script does not do what it defines")
	}
	c.cards = strings.Split(m[1], " ")
	for i, name := range c.cards {
		if !cardName.MatchString(name) || slices.Index(c.cards, name) < i {
			fs.add(0, "%q is no interface, or stands twice", name)
		}
	}
	return c, fs
}

// firstCPUs reports whether a mask holds the CPUs from 0 on without a gap.
func firstCPUs(mask string) bool {
	groups := strings.Split(mask, ",")
	for i, g := range groups {
		n, err := strconv.ParseUint(g, 16, 32)
		if err != nil || n == 0 || n&(n+1) != 0 || i > 0 && n != 1<<32-1 {
			return false
		}
	}
	return true
}

func checkCardsScript(f *artifact.File) faults {
	_, fs := parseCards(f.Bytes())
	return fs
}

var cardsService = regexp.MustCompile(`(?s)\n\[Unit\]\nDescription=[^\n]+\nWants=([^\n]+)\nAfter=([^\n]+) systemd-sysctl\.service\n\n\[Service\]\nType=oneshot\nRemainAfterExit=yes\n` +
	`ExecStart=/bin/sh /etc/meshgen/cards\.sh\n\n\[Install\]\nWantedBy=multi-user\.target\n$`)

// unitCards returns the cards that a unit waits for, nil for one that is not as it is in use here.
func unitCards(data []byte) []string {
	m := cardsService.FindSubmatch(data)
	if m == nil || string(m[1]) != string(m[2]) {
		return nil
	}
	var out []string
	for _, unit := range strings.Fields(string(m[1])) {
		name, ok := strings.CutPrefix(unit, "sys-subsystem-net-devices-")
		name, end := strings.CutSuffix(name, ".device")
		if !ok || !end || strings.Contains(name, "-") {
			return nil
		}
		out = append(out, strings.ReplaceAll(name, `\x2d`, "-"))
	}
	return out
}

func checkCardsUnit(f *artifact.File) faults {
	var fs faults
	scanLines(f.Bytes(), &fs, func(int, string) {})
	if unitCards(f.Bytes()) == nil {
		fs.add(0, "no unit that waits for the cards and runs the script at every boot")
	}
	return fs
}

// checkCards holds each script against its unit, and steering of flows against the kernel setting that it needs.
func checkCards(p *pass) {
	all := slices.Concat(p.tree.Files(), p.carried)
	files := make(map[string]*artifact.File, len(all))
	for _, f := range all {
		files[f.Path()] = f
	}
	for _, f := range all {
		switch folder, isUnit := strings.CutSuffix(f.Path(), cardsUnitPath); {
		case isUnit && files[folder+cardsPath] == nil:
			p.report(f, 0, ruleHostForms, "there is no script for it to run")
		case !match("hosts/*/*"+cardsPath, f.Path()):
		default:
			folder = strings.TrimSuffix(f.Path(), cardsPath)
			c, _ := parseCards(f.Bytes())
			unit := files[folder+cardsUnitPath]
			if unit == nil || !slices.Equal(unitCards(unit.Bytes()), c.cards) {
				p.report(f, 0, ruleHostForms, "nothing runs it when its cards are there")
			}
			flows := 0
			if s := files[folder+"/etc/sysctl.d/90-meshgen.conf"]; s != nil {
				settings, _ := parseSysctl(s.Bytes())
				for _, x := range settings {
					if x.key == "net.core.rps_sock_flow_entries" {
						flows, _ = strconv.Atoi(x.value)
					}
				}
			}
			if flows != c.flows {
				p.report(f, 0, ruleHostForms, "%s: flows of its queues are %d, and the kernel remembers %d", path.Base(folder), c.flows, flows)
			}
		}
	}
}

// talosCard is a document for one network card (siderolabs/talos v1.12.11 pkg/machinery/config/types/network/ethernet.go).
type talosCard struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Name       string `yaml:"name"`
	Rings      struct {
		RX int `yaml:"rx"`
		TX int `yaml:"tx"`
	} `yaml:"rings"`
}

// checkTalosCards reads the documents that are left.
func checkTalosCards(d *yaml.Decoder, fail func(string, ...any)) {
	names := map[string]bool{}
	for {
		var c talosCard
		err := d.Decode(&c)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			fail("no document for a network card as it is in use here: %v", err)
			return
		case c.APIVersion != "v1alpha1" || c.Kind != "EthernetConfig" || !cardName.MatchString(c.Name) || names[c.Name]:
			fail("document %q of kind %q is none for a card of its own", c.Name, c.Kind)
		case c.Rings.RX < 16 || c.Rings.RX > 65536 || c.Rings.TX != 0 && c.Rings.TX < 16 || c.Rings.TX > 65536:
			fail("card %s has rings of %d and %d packets", c.Name, c.Rings.RX, c.Rings.TX)
		}
		names[c.Name] = true
	}
}
