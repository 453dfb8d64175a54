#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong with a configuration is said in one sentence that names the key and the fix, with exit
code 1, before any port is started. `jabiru doctor` says the same, where it can be seen without DPDK.

usage: mistakes.py JABIRU CAPTURE
"""
import json
import pathlib
import re
import sys
import tempfile

import program
import sensor

NULL = 'ports: [{device: net_null0}]\n'
SMALL = 'flow: {capacity: 65536}\n'
# name: (configuration, options, what is said)
MISTAKES = {
    'no port': ('', [], 'ports: there is none; name one in the configuration, or with --port'),
    'no such interface': ('ports: [{device: "net_af_packet0,iface=nope0"}]\n', [],
                          "ports[0].device: no interface 'nope0'; "),
    'no such NIC': ('ports: [{device: "0000:99:00.0"}]\n', [],
                    "ports[0].device: no network controller at PCI address '0000:99:00.0'"),
    'no such file': ('ports: [{device: "net_pcap0,rx_pcap=/nonexistent"}]\n', [],
                     "ports[0].device: cannot read the capture '/nonexistent'"),
    'no such driver': ('ports: [{device: net_nothing0}]\n', [], 'check the spelling of ports'),
    'no device': ('ports: [{device: eth0}]\n', [],
                  "ports[0].device: 'eth0' is neither a PCI address nor the name of a vdev; write "),
    'port twice': ('ports: [{device: net_null0}, {device: "net_null0,size=64"}]\n', [],
                   "ports[1].device: 'net_null0' is ports[0] already; remove one of them"),
    'interface twice': ('ports: [{device: "net_af_packet0,iface=lo"}, '
                        '{device: "net_af_packet1,iface=lo"}]\n', [],
                        "ports[1].device: the interface 'lo' is read by ports[0] already; remove"),
    'too many queues': ('ports: [{device: "net_pcap0,rx_pcap=CAPTURE", queues: 3}]\n', [],
                        'ports[0].queues: 3, but net_pcap0 has 1; set it to 1, or to 0'),
    'CPU twice': (NULL + 'worker: {cpus: "0,0"}\n', [],
                  'worker.cpus: CPU 0 is there twice; give each worker a CPU of its own'),
    'CPU that is not there': (NULL + 'worker: {cpus: "1023"}\n', [],
                              'worker.cpus: CPU 1023 does not exist; choose from '),
    'no CPU list': (NULL + 'worker: {cpus: "1-"}\n', [],
                    "worker.cpus: '1-' is no list of CPUs; write it as 1-3 or 1,3"),
    'control CPU': (NULL + 'worker: {control_cpu: "1023"}\n', [],
                    'worker.control_cpu: CPU 1023 does not exist; choose from '),
    'no RSS': ('ports: [{device: "net_pcap0,rx_pcap=CAPTURE"}]\nworker: {cpus: "0,1", '
               'steering: rss}\n', [],
               'worker.steering: rss, but net_pcap0 has no RSS over TCP; set it to software or auto'),
    'no hugepages': (NULL + 'memory: {hugepages: yes, megabytes: 1048576}\n', [],
                     'memory.hugepages: 1048576 MiB are needed'),
    'no memory': (NULL + 'flow: {capacity: 67108864}\nmemory: {megabytes: 1048576}\n', [],
                  'memory.megabytes: 1048576 MiB of packet buffers are needed, '),
    'too little memory': (NULL + 'memory: {hugepages: no, megabytes: 1}\n', [],
                          'raise memory.megabytes'),
    'file prefix': (NULL + 'memory: {file_prefix: "a/b"}\n', [],
                    "memory.file_prefix: 'a/b' is no part of a file name"),
    'lcores': (NULL, ['--eal', '-l 0-1'],
               "--eal: '-l' contradicts the configuration; set worker.cpus and "),
    'lcores, cut short': (NULL, ['--eal', '--lcore=0-1'],
                          "--eal: '--lcore=0-1' contradicts the configuration; set worker.cpus"),
    'memory of DPDK': (NULL, ['--eal', '-m64'], 'set memory.megabytes instead'),
    'devices of DPDK': (NULL, ['--eal', '--vdev net_null1'], 'set ports instead'),
    'unknown to DPDK': (NULL, ['--eal', '--frobnicate'], 'take out of --eal'),
    'no socket': (NULL, ['--events', 'unix:'], "cannot open 'unix:': name the socket, as in unix:"),
    'long socket': (NULL, ['--events', 'unix:/' + 'x' * 107],
                    "a socket's path has at most 107 bytes; move it"),
    'no folder, configured': (NULL + 'output: {events: /nonexistent/events}\n', [],
                              "cannot open '/nonexistent/events'"),
    'one file for both': (NULL + 'output: {events: /dev/shm/x, flows: /dev/shm/x}\n', [],
                          "cannot write '/dev/shm/x': events and flows want a file each"),
    'two outputs, configured': (NULL + 'output: {events: "-", flows: "-"}\n', [],
                                'name a file instead of - in output.events or output.flows'),
    'no folder': (NULL, ['--flows', '/nonexistent/flows'], "cannot open '/nonexistent/flows'"),
    'ports of the command line': ('', ['--port', 'net_null0', '--port', 'net_null0'],
                                  "ports[1].device: 'net_null0' is ports[0] already"),
}
# seen when DPDK runs, or no matter of the host; a host without ports is one that the doctor only looks at
NOT_OF_DOCTOR = {'no port', 'no such driver', 'too many queues', 'no RSS', 'too little memory', 'lcores',
                 'lcores, cut short', 'memory of DPDK', 'devices of DPDK', 'unknown to DPDK',
                 'no socket', 'long socket', 'no folder', 'no folder, configured',
                 'one file for both', 'two outputs, configured'}
USAGE = {
    'duration': (['--duration', '0'], "--duration: '0' is not a number from 1 to"),
    'two outputs': (['--json', '--flows', '-'], 'may go to standard output'),
    'word': (['more'], "unexpected argument 'more'"),
}


def check_doctor(jabiru, name, arguments, said, problems):
    """@param said  what `jabiru run` said."""
    done = program.run(jabiru, 'doctor', '--json', *arguments)
    failed = [f'jabiru: {check["what"]}; {check["fix"]}'
              for check in json.loads(done.stdout)['checks'] if check['status'] == 'fail']
    # how much is free changes from one to the other
    wanted, *got = (re.sub('[0-9]+ MiB|[0-9]+ or less', 'N', text) for text in [said, *failed])
    if done.returncode != 1 or wanted not in got:
        problems.append(f'{name}: the doctor says {failed}, not {said}')


def main():
    jabiru, capture = sys.argv[1:]
    sensor.need_root()
    problems = []
    with tempfile.TemporaryDirectory(prefix='jabiru-live') as folder:
        for name, (text, options, said) in MISTAKES.items():
            text = text.replace('CAPTURE', capture) + ('' if 'flow:' in text else SMALL)
            config = sensor.write_config(folder, text)
            done = program.run(jabiru, 'run', '-c', config, '--duration', '1', *options)
            last = done.stderr.decode().splitlines()[-1:]
            if done.returncode != 1 or done.stdout or not last or said not in last[0]:
                problems.append(f'{name}: exit {done.returncode}: {done.stderr.decode()} '
                                f'{done.stdout[:200]}')
            if b'running' in done.stderr:
                problems.append(f'{name}: it ran')
            if name not in NOT_OF_DOCTOR and last:
                check_doctor(jabiru, name, ['-c', config, *options], last[0], problems)
        left = [path.name for path in pathlib.Path(folder).iterdir()]
        if left != ['jabiru.yaml']:
            problems.append(f'left behind: {left}')
    for name, (options, said) in USAGE.items():
        done = program.run(jabiru, 'run', *options)
        if done.returncode != 2 or said not in done.stderr.decode():
            problems.append(f'{name}: exit {done.returncode}: {done.stderr.decode()}')
    program.finish(problems, f'{len(MISTAKES) + len(USAGE)} mistakes')


main()
