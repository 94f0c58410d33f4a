import { memoryEngine } from 'troupe/backplane';
import { describeCluster } from '../contracts/cluster.ts';

describeCluster('memory', () => memoryEngine().backplane);
