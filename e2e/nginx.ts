import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import type { MeshFolder } from './mesh-folder.ts'
import { program } from './outsider.ts'
import { snippet } from './readme.ts'

/** What nginx is started with, and told with: add `-s reload`. */
export function nginxArguments(mesh: MeshFolder): string[] {
  return ['-p', mesh.folder, '-e', 'stderr', '-c', join(mesh.folder, 'nginx.conf')]
}

/** nginx as the README has it, with the pair of the service `web`; it answers with its caller's name. @param more directives */
export async function startNginx(mesh: MeshFolder, port: number, more = ''): Promise<Child> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(mesh.folder, 'nginx.conf'),
    `daemon off; pid ${mesh.folder}/nginx.pid; error_log stderr notice; worker_processes 2;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${mesh.folder}/nginx-${name};`).join(' ')}
      # As Debian's nginx.conf has it.
      ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
      server {
        ${snippet('nginx', mesh).replace('listen 443', `listen 127.0.0.1:${port}`)}
        ${more}
        return 200 "hello $ssl_client_s_dn $ssl_client_verify";
      }
    }`,
  )
  const nginx = Child.start(program('nginx'), nginxArguments(mesh))
  await nginx.says(/start worker process \d+[\s\S]*start worker process \d+/)
  return nginx
}
