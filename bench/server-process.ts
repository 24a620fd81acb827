import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { TestMesh } from '@datapunk/testkit'

/** A server in a process of its own, on core 0. Linux only: its CPU is read from /proc. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess
  readonly #pids: readonly number[]

  private constructor(port: number, child: ChildProcess, pids: readonly number[]) {
    this.port = port
    this.#child = child
    this.#pids = pids
  }

  /** @param kind `mesh`: behind the gate; `bare`: node:https with the same context */
  static async start(kind: 'mesh' | 'bare', { configFile }: TestMesh): Promise<ServerProcess> {
    const file = new URL('./server.ts', import.meta.url).pathname
    const child = spawn('taskset', ['-c', '0', process.execPath, file, kind, configFile], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const [port] = (await once(child, 'message')) as [number]
    return new ServerProcess(port, child, [child.pid!])
  }

  /** nginx with the files of `lake`; undefined where it isn't installed. */
  static async startNginx(mesh: TestMesh, port: number): Promise<ServerProcess | undefined> {
    try {
      execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    } catch {
      return undefined
    }
    const file = join(mesh.folder, 'nginx.conf')
    const { cert, key } = mesh.pair('lake')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    writeFileSync(
      file,
      `daemon off; pid ${mesh.folder}/nginx.pid; error_log stderr crit; worker_processes 1;
      events {}
      http {
        access_log off; keepalive_requests 1000000;
        ${temporary.map((name) => `${name}_temp_path ${mesh.folder}/nginx-${name};`).join(' ')}
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;
          ssl_certificate ${cert}; ssl_certificate_key ${key};
          ssl_client_certificate ${mesh.config.paths.caCert}; ssl_verify_client on; ssl_verify_depth 2;
          return 200 "hello";
        }
      }`,
    )
    const child = spawn('taskset', ['-c', '0', 'nginx', '-p', mesh.folder, '-e', 'stderr', '-c', file], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await accepting(port)
    const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
    return new ServerProcess(port, child, workers.map(Number))
  }

  /** Any program that listens at this port, without children of its own; undefined where it isn't installed. */
  static async startProgram(
    port: number,
    command: string,
    args: string[],
  ): Promise<ServerProcess | undefined> {
    if (spawnSync('which', [command]).status !== 0) return undefined
    const child = spawn('taskset', ['-c', '0', command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    await accepting(port)
    return new ServerProcess(port, child, [child.pid!])
  }

  /** Bytes of memory that it holds now. */
  memory(): number {
    const pages = this.#pids.map((pid) => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]))
    return pages.reduce((sum, count) => sum + count * 4096, 0)
  }

  /** As `cpu`, with threads that have ended; to 10 ms. */
  cpuOfAllTime(): number {
    const fields = this.#pids.map((pid) =>
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' '),
    )
    return (
      fields.reduce((sum, [, , , , , , , , , , , user, system]) => sum + Number(user) + Number(system), 0) *
      10_000
    )
  }

  /** Microseconds of CPU that it has used, all threads. */
  cpu(): number {
    return this.#pids.reduce((sum, pid) => sum + cpuOfProcess(pid), 0)
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exit
  }
}

/** Microseconds of CPU that a process has used, all threads. Linux only. */
export function cpuOfProcess(pid: number): number {
  let nanoseconds = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
  }
  return nanoseconds / 1000
}

/** This process goes to core 1, so that it takes nothing from the servers. */
export function leaveCoreToServers(): void {
  execFileSync('taskset', ['-a', '-c', '-p', '1', String(process.pid)], { stdio: 'ignore' })
}

async function accepting(port: number): Promise<void> {
  for (;;) {
    const socket = connectTcp(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await after(20)
    } finally {
      socket.destroy()
    }
  }
}
