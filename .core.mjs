const [,,...trees]=process.argv;
const mk=async t=>{const {StorageRuntime,BatchStorageBase,StoragePluginBase}=await import(t+'/src/index.ts');
 class S extends BatchStorageBase{ traits={atomic:'origin',durable:true,consistency:'strong',batchAcrossTicks:true,maxKeyBytes:Infinity,maxValueBytes:Infinity,watch:false}; copiesValues=true; m=new Map();
 async getMany(keys){const f=new Map();for(const k of keys){const e=this.m.get(k);if(e)f.set(k,{...e})}return f}
 async commit(groups){for(const g of groups)for(const c of g)if('entry'in c)this.m.set(c.key,c.entry);return groups.map(()=>'applied')}
 async transact(keys,apply){const f=await this.getMany(keys);return this.commit(apply(f))}
 async *entries(){} async *liveKeys(){} async liveLen(){return 0} async clear(){this.m.clear()} async close(){} }
 class P extends StoragePluginBase{ async open(){return new S()} async *namespaces(){} async drop(){} }
 return new StorageRuntime(new P({})).open('x')};
const keys=Array.from({length:1000},(_,i)=>'key-'+String(i).padStart(6,'0'));
const vals=Array.from({length:1000},(_,i)=>({user:`user-${i}`,karma:0,notes:[0,1,2].map(n=>'abcdefghijklmnopqrstuvwxyz012345'.slice(n)),updated:new Date(1.7e12+i*60000)}));
const add=(v=vals[0])=>({...v,karma:v.karma+1});
const W={set:s=>Promise.all(keys.map((k,j)=>s.set(k,vals[j]))),get:s=>Promise.all(keys.map(k=>s.get(k))),hot:s=>Promise.all(keys.map((_,i)=>s.update(keys[i%10],add))),dist:s=>Promise.all(keys.map(k=>s.update(k,add))),one:async s=>{for(let i=0;i<300;i++)await s.get(keys[i])},oneSet:async s=>{for(let i=0;i<300;i++)await s.set(keys[i],vals[i])}};
const med=a=>a.sort((x,y)=>x-y)[a.length>>1];
const ss=[];for(const t of trees)ss.push(await mk(t));
const only=process.env.ONLY; const R=+(process.env.R??60);
for(const [w,f] of Object.entries(W)){ if(only&&w!==only)continue; const t=ss.map(()=>[]); if(process.env.COLD){ } for(let r=0;r<R;r++)for(const i of ss.keys()){const s=performance.now();await f(ss[i]);t[i].push(performance.now()-s)}
 console.log(w,'us/op first',t.map(x=>x[0].toFixed(2)),'warm',t.map(x=>(med(x.slice(10))).toFixed(3)));}
